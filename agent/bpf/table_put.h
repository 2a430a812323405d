// SPDX-License-Identifier: GPL-2.0-only
// How TableWriter writes the items of a delta into a map.
#pragma once

#include "bpf/abi_codec.h"
#include "bpf/map.h"
#include "bpf/tables.h"
#include "ports/dataplane.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <span>
#include <vector>

namespace vtepd {

// Adds one error per table and cause.
inline void report_failures(const RawMap& map, Table table, const std::vector<MapFailure>& failures,
                            bool putting, ApplyReport& report) {
  std::set<int> causes;
  for (const MapFailure& failure : failures) {
    if (causes.insert(failure.error).second) {
      report.errors.push_back(putting ? map.update_error(failure.error, spec(table).option)
                                      : map.error(failure.error, "delete"));
    }
  }
}

template <typename Item>
void copy_failed(const std::vector<Item>& items, const std::vector<MapFailure>& failures,
                 std::vector<Item>& failed) {
  for (const MapFailure& failure : failures) {
    failed.push_back(items[failure.index]);
  }
}

// So many entries are encoded and handed over before the next ones: they stay in the caches.
inline constexpr std::size_t kAtOnce = 4096;

template <typename Key, typename Value, typename Item, typename EncodeKey, typename EncodeValue>
void put_items(const Map<Key, Value>& map, Table table, const std::vector<Item>& items,
               const EncodeKey& encode_key, const EncodeValue& encode_value,
               std::vector<Item>& failed, ApplyReport& report) {
  std::vector<Key> keys;
  std::vector<Value> values;
  std::vector<MapFailure> failures;
  for (std::size_t first = 0; first < items.size(); first += kAtOnce) {
    const auto part = std::span(items).subspan(first, std::min(kAtOnce, items.size() - first));
    keys.clear();
    values.clear();
    std::ranges::transform(part, std::back_inserter(keys), encode_key);
    std::ranges::transform(part, std::back_inserter(values), encode_value);
    for (const MapFailure& failure : map.update(keys, values)) {
      failures.push_back({first + failure.index, failure.error});
    }
  }
  copy_failed(items, failures, failed);
  report_failures(map.raw(), table, failures, true, report);
}

template <typename Key, typename Value, typename Item, typename EncodeKey>
void remove_items(const Map<Key, Value>& map, Table table, const std::vector<Item>& items,
                  const EncodeKey& encode_key, std::vector<Item>& failed, ApplyReport& report) {
  std::vector<Key> keys;
  keys.reserve(items.size());
  std::ranges::transform(items, std::back_inserter(keys), encode_key);
  const auto failures = map.erase(keys);
  copy_failed(items, failures, failed);
  report_failures(map.raw(), table, failures, false, report);
}

inline constexpr auto kEncode = [](const auto& item) { return abi::encode(item); };
inline constexpr auto kEncodeFirst = [](const auto& item) { return abi::encode(item.first); };
inline constexpr auto kEncodeSecond = [](const auto& item) { return abi::encode(item.second); };
inline constexpr auto kNumber = [](const auto& item) -> __u32 { return item.value; };
inline constexpr auto kNumberFirst = [](const auto& item) -> __u32 { return item.first.value; };
inline constexpr auto kPresent = [](const auto&) -> __u8 { return 1; };

}  // namespace vtepd
