// SPDX-License-Identifier: GPL-2.0-only
#include "consul/known_keys.h"

#include "consul/text.h"

#include <algorithm>
#include <utility>

namespace vtepd::consul {

namespace {

bool by_key(const KvPair& a, const KvPair& b) {
  return a.key < b.key;
}

std::vector<KvPair>::const_iterator place_of(const std::vector<KvPair>& keys,
                                             std::string_view key) {
  return std::lower_bound(keys.begin(), keys.end(), key,
                          [](const KvPair& pair, std::string_view k) { return pair.key < k; });
}

Failure not_believed(std::string_view key, const char* why) {
  return fail(ErrorKind::Unavailable,
              "the answer is not what Consul sends: the key '" + shown(key) + "' " + why);
}

}  // namespace

Result<void> KnownKeys::Reading::take(const PairView& view) {
  if (scope_.single ? view.key != scope_.prefix : !view.key.starts_with(scope_.prefix)) {
    return not_believed(view.key, "was not asked for");
  }
  const auto& known = known_.keys_;
  if (next_ >= known.size() || known[next_].key != view.key) {
    next_ = static_cast<std::size_t>(place_of(known, view.key) - known.begin());
  }
  const bool there = next_ < known.size() && known[next_].key == view.key;
  keys_.push_back({std::string(view.key), {}, view.index});
  if (everything_ || !there || known[next_].index != view.index) {
    auto value = view.decoded();
    if (!value) {
      return fail(value.error());
    }
    changed_.push_back({std::string(view.key), std::move(*value), view.index});
  }
  next_ += there ? 1 : 0;
  return {};
}

Result<void> KnownKeys::Reading::finish() {
  for (auto* pairs : {&keys_, &changed_}) {
    if (!std::is_sorted(pairs->begin(), pairs->end(), by_key)) {
      std::sort(pairs->begin(), pairs->end(), by_key);
    }
  }
  const auto twice = std::adjacent_find(
      keys_.begin(), keys_.end(), [](const KvPair& a, const KvPair& b) { return a.key == b.key; });
  return twice == keys_.end() ? Result<void>() : not_believed(twice->key, "comes twice");
}

bool KnownKeys::Reading::has(const std::string& key) const {
  const auto place = place_of(keys_, key);
  return place != keys_.end() && place->key == key;
}

std::vector<std::string> KnownKeys::Reading::missing(std::size_t at_most) const {
  std::vector<std::string> lacking;
  auto fresh = keys_.begin();
  for (const auto& known : known_.keys_) {
    while (fresh != keys_.end() && fresh->key < known.key) {
      ++fresh;
    }
    if (fresh == keys_.end() || fresh->key != known.key) {
      lacking.push_back(known.key);
      if (lacking.size() == at_most) {
        break;
      }
    }
  }
  return lacking;
}

std::vector<KvEvent> KnownKeys::commit(Reading reading) {
  std::vector<KvEvent> events;
  if (reading.everything_) {
    events.push_back({KvEvent::Kind::Snapshot, std::move(reading.changed_), {}});
  } else {
    KvEvent gone{KvEvent::Kind::Delete, {}, {}};
    for (auto& key : reading.missing(keys_.size())) {
      gone.pairs.push_back({std::move(key), {}, 0});
    }
    if (!reading.changed_.empty()) {
      events.push_back({KvEvent::Kind::Put, std::move(reading.changed_), {}});
    }
    if (!gone.pairs.empty()) {
      events.push_back(std::move(gone));
    }
  }
  keys_ = std::move(reading.keys_);
  return events;
}

}  // namespace vtepd::consul
