// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>
#include <unordered_map>

namespace vtepd {

// Who holds a key when several endpoints claim it: one wins, the others wait for it to let go.
// `Before(a, b)` says that a goes before b. Nearly every key has one claimant, so only the losers
// of a conflict cost more than one hash node. Claimants are borrowed and must outlive their claim.
template <typename Key, typename Claimant, typename Hash, typename Before>
class Claims {
 public:
  explicit Claims(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : winners_(memory), losers_(memory) {}

  // So many keys may come.
  void expect(std::size_t keys) {
    if (keys > winners_.size()) {
      winners_.reserve(keys);
    }
  }

  struct Change {
    bool changed = false;              // the key has another winner
    const Claimant* before = nullptr;  // who won before; nullptr: nobody
  };

  Change add(const Key& key, const Claimant* claimant) {
    const auto [place, fresh] = winners_.try_emplace(key, claimant);
    if (fresh) {
      return {true, nullptr};
    }
    const Claimant* before = place->second;
    if (before == claimant) {
      return {false, before};
    }
    if (!Before{}(*claimant, *before)) {
      losers_.emplace(key, claimant);
      return {false, before};
    }
    losers_.emplace(key, before);
    place->second = claimant;
    return {true, before};
  }

  // True if the key has another winner now, or none.
  bool remove(const Key& key, const Claimant* claimant) {
    const auto place = winners_.find(key);
    if (place == winners_.end()) {
      return false;
    }
    const auto [first, last] = losers_.equal_range(key);
    if (place->second != claimant) {
      const auto loser =
          std::find_if(first, last, [&](const auto& entry) { return entry.second == claimant; });
      if (loser != last) {
        losers_.erase(loser);
      }
      return false;
    }
    const auto next = std::min_element(
        first, last, [](const auto& a, const auto& b) { return Before{}(*a.second, *b.second); });
    if (next == last) {
      winners_.erase(place);
    } else {
      place->second = next->second;
      losers_.erase(next);
    }
    return true;
  }

  [[nodiscard]] const Claimant* winner(const Key& key) const {
    const auto place = winners_.find(key);
    return place == winners_.end() ? nullptr : place->second;
  }

  [[nodiscard]] const auto& winners() const { return winners_; }

  [[nodiscard]] std::size_t conflicts() const { return losers_.size(); }

 private:
  std::pmr::unordered_map<Key, const Claimant*, Hash> winners_;
  std::pmr::unordered_multimap<Key, const Claimant*, Hash> losers_;
};

}  // namespace vtepd
