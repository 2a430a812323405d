// SPDX-License-Identifier: GPL-2.0-only
// read_counters: what the programs counted, from both of their maps.
#include "bpf/tables.h"
#include "vtepd/reasons.h"

#include <array>
#include <cstring>
#include <map>
#include <utility>

namespace vtepd {

namespace {

constexpr std::array<__u32, VTEP_TRAFFIC_KINDS> kReasonOfKind{VTEP_ENCAP, VTEP_DECAP, VTEP_LOCAL};
static_assert(VTEP_TRAFFIC_ENCAP == 0 && VTEP_TRAFFIC_DECAP == 1 && VTEP_TRAFFIC_LOCAL == 2);

using Sums = std::map<std::pair<Vni, __u32>, vtep_counter>;

template <typename Key, typename Visit>
Result<void> for_each_sum(const RawMap& map, const Visit& visit) {
  const std::size_t stride = map.value_stride();
  return map.for_each_chunk([&](const std::byte* keys, const std::byte* values, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      Key key;
      std::memcpy(&key, keys + i * sizeof key, sizeof key);
      vtep_counter sum{};
      for (std::size_t cpu = 0; cpu < stride; cpu += sizeof(vtep_counter)) {
        vtep_counter part;
        std::memcpy(&part, values + i * stride + cpu, sizeof part);
        sum.packets += part.packets;
        sum.bytes += part.bytes;
      }
      visit(key, sum);
    }
  });
}

void add(Sums& sums, Vni vni, __u32 reason, const vtep_counter& counted) {
  vtep_counter& sum = sums[{vni, reason}];
  sum.packets += counted.packets;
  sum.bytes += counted.bytes;
}

Result<void> add_traffic(const Tables& tables, Sums& sums) {
  std::map<__u32, Vni> owners;
  const auto read = tables.vnis.for_each([&](const __u32& vni, const vtep_vni& value) {
    if (value.slot != 0) {
      owners.emplace(value.slot, Vni{vni});
    }
  });
  if (!read) {
    return read;
  }
  return for_each_sum<__u32>(tables.traffic, [&](__u32 at, const vtep_counter& sum) {
    const auto owner = owners.find(at / VTEP_TRAFFIC_KINDS);
    if (owner != owners.end() && sum.packets != 0) {
      add(sums, owner->second, kReasonOfKind.at(at % VTEP_TRAFFIC_KINDS), sum);
    }
  });
}

}  // namespace

Result<std::vector<ReasonCount>> read_counters(const Tables& tables) {
  Sums sums;
  auto done = for_each_sum<vtep_counter_key>(
      tables.counters, [&](const vtep_counter_key& key, const vtep_counter& sum) {
        add(sums, Vni{key.vni}, key.reason, sum);
      });
  if (done) {
    done = add_traffic(tables, sums);
  }
  if (!done) {
    return fail(done.error());
  }
  std::vector<ReasonCount> out;
  for (const auto& [of, sum] : sums) {
    out.push_back(
        {.vni = of.first, .reason = of.second, .packets = sum.packets, .bytes = sum.bytes});
  }
  return out;
}

}  // namespace vtepd
