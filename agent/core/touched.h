// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace vtepd {

// What was touched since the last look, with what was noted at the first touch of each key. Costs
// in proportion to that alone: a hash table would go over all buckets of its largest use whenever
// it is cleared.
template <typename Item, typename KeyOf = std::identity>
class Touched {
 public:
  void add(Item item) { items_.push_back(std::move(item)); }

  [[nodiscard]] bool any_of(const auto& predicate) const {
    return std::ranges::any_of(items_, predicate);
  }

  void forget() { items_ = {}; }

  // Each key once, with the first item of it, in the order of keys.
  [[nodiscard]] std::vector<Item> take() {
    auto items = std::exchange(items_, {});
    std::ranges::stable_sort(items, {}, KeyOf{});
    const auto same = [](const Item& a, const Item& b) { return KeyOf{}(a) == KeyOf{}(b); };
    items.erase(std::unique(items.begin(), items.end(), same), items.end());
    return items;
  }

 private:
  std::vector<Item> items_;
};

}  // namespace vtepd
