// SPDX-License-Identifier: GPL-2.0-only
#include "registry/vni_allocator.h"

#include "registry/cas.h"
#include "registry/ipam_codec.h"
#include "registry/network_codec.h"

#include <algorithm>

namespace vtepd::registry {

namespace {

constexpr std::uint64_t kVniBits = 16776960;  // 256 … 2^24-1, as Docker has it since 1.12
constexpr const char* kVniPool = "vxlan-id";
constexpr std::size_t kShortId = 12;

Result<NamedBits> read_vnis(const std::string& key, const std::optional<KvPair>& pair) {
  // An empty value is a "directory" of libkv.
  if (!pair || pair->value.empty()) {
    return NamedBits{kVniPool, BitSequence(kVniBits)};
  }
  return decode_bits(key, pair->value);
}

Failure taken(KvStore& store, const Keys& keys, std::uint32_t vni,
              const std::map<std::uint32_t, std::string>& holders) {
  const auto holder = holders.find(vni);
  return fail(ErrorKind::Conflict,
              "VNI " + std::to_string(vni) + " is taken by " +
                  (holder == holders.end()
                       ? "no network that is stored now: one is being made, or was left unfinished"
                       : "network " + shown_network(store, keys, holder->second)));
}

// The lowest free bit whose VNI no network holds: one that is being removed may still be stored.
std::optional<std::uint64_t> lowest_free(const BitSequence& bits,
                                         const std::map<std::uint32_t, std::string>& holders) {
  std::uint64_t from = 0;
  for (;;) {
    const auto ordinal = bits.first_free(from, kReservedVni - kFirstVni - 1);
    if (!ordinal || !holders.contains(static_cast<std::uint32_t>(*ordinal + kFirstVni))) {
      return ordinal;
    }
    from = *ordinal + 1;
  }
}

}  // namespace

std::string shown_network(KvStore& store, const Keys& keys, const std::string& id) {
  const auto pair = store.get(keys.network(id));
  const auto network = pair && *pair ? decode_network((*pair)->key, id, (*pair)->value)
                                     : Result<NetworkRecord>(fail(ErrorKind::NotFound, ""));
  return (network ? "'" + network->name + "' " : "") + "(" + id.substr(0, kShortId) + ")";
}

Result<std::map<std::uint32_t, std::string>> vni_holders(KvStore& store, const Keys& keys,
                                                         std::string_view except) {
  const auto pairs = store.list(keys.overlays());
  if (!pairs) {
    return fail(pairs.error());
  }
  std::map<std::uint32_t, std::string> holders;
  for (const auto& pair : *pairs) {
    const auto parsed = keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Overlay || parsed.network_id == except) {
      continue;
    }
    const auto overlay = decode_overlay(pair.key, pair.value);
    for (const auto& subnet : overlay ? overlay->subnets : std::vector<Subnet>()) {
      if (subnet.vni.value != 0) {
        holders.emplace(subnet.vni.value, parsed.network_id);
      }
    }
  }
  return holders;
}

Result<Vni> take_vni(KvStore& store, const Keys& keys, const std::optional<Vni>& wanted) {
  if (wanted && (wanted->value == 0 || wanted->value >= kReservedVni)) {
    return fail(ErrorKind::Invalid, "VNI " + std::to_string(wanted->value) +
                                        " cannot be given: 1 to 16777214 can, 16777215 is "
                                        "reserved for the idle device that keeps the port open");
  }
  const auto holders = vni_holders(store, keys);
  if (!holders) {
    return fail(holders.error());
  }
  if (wanted && holders->contains(wanted->value)) {
    return taken(store, keys, wanted->value, *holders);
  }
  Vni vni = wanted.value_or(Vni{});
  const auto key = keys.vnis();
  auto done = update(store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
    auto named = read_vnis(key, pair);
    if (!named) {
      return fail(named.error());
    }
    if (wanted && wanted->value < kFirstVni) {
      return pair ? std::nullopt : std::optional(encode_bits(*named));
    }
    const auto ordinal = wanted ? std::optional<std::uint64_t>(wanted->value - kFirstVni)
                                : lowest_free(named->bits, *holders);
    if (!ordinal) {
      return fail(ErrorKind::Exhausted, "every VNI of '" + key + "' is taken");
    }
    if (*ordinal >= named->bits.bits()) {
      return fail(ErrorKind::Invalid, "VNI " + std::to_string(wanted->value) +
                                          " is beyond this store's range 256 to " +
                                          std::to_string(kFirstVni + named->bits.bits() - 1));
    }
    if (!named->bits.set(*ordinal)) {
      return taken(store, keys, wanted->value, *holders);
    }
    vni = Vni{static_cast<std::uint32_t>(*ordinal + kFirstVni)};
    return std::optional(encode_bits(*named));
  });
  if (!done) {
    return fail(done.error());
  }
  return vni;
}

Result<void> release_vni(KvStore& store, const Keys& keys, Vni vni) {
  if (vni.value < kFirstVni) {
    return {};
  }
  const auto key = keys.vnis();
  return update(store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
    if (!pair) {
      return std::optional<std::string>();
    }
    auto named = decode_bits(key, pair->value);
    if (!named) {
      return fail(named.error());
    }
    if (!named->bits.clear(vni.value - kFirstVni)) {
      return std::optional<std::string>();
    }
    return std::optional(encode_bits(*named));
  });
}

}  // namespace vtepd::registry
