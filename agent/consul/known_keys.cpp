// SPDX-License-Identifier: GPL-2.0-only
#include "consul/known_keys.h"

#include <utility>

namespace vtepd::consul {

std::vector<std::string> KnownKeys::missing(const std::vector<PairView>& views,
                                            std::size_t at_most) const {
  std::vector<std::string> keys;
  auto view = views.begin();
  for (const auto& known : keys_) {
    while (view != views.end() && view->key < known.key) {
      ++view;
    }
    if (view == views.end() || view->key != known.key) {
      keys.push_back(known.key);
      if (keys.size() == at_most) {
        break;
      }
    }
  }
  return keys;
}

Result<std::vector<KvEvent>> KnownKeys::update(const std::vector<PairView>& views) {
  std::vector<KvEvent> events;
  std::vector<Known> fresh;
  fresh.reserve(views.size());
  const auto gone = [&](const Known& known) {
    events.push_back({KvEvent::Kind::Delete, {{known.key, {}, 0}}, {}});
  };
  auto old = keys_.begin();
  for (const auto& view : views) {
    for (; old != keys_.end() && old->key < view.key; ++old) {
      gone(*old);
    }
    const bool there = old != keys_.end() && old->key == view.key;
    if (!there || old->index != view.index) {
      auto value = view.decoded();
      if (!value) {
        return fail(value.error());
      }
      events.push_back(
          {KvEvent::Kind::Put, {{std::string(view.key), std::move(*value), view.index}}, {}});
    }
    fresh.push_back({std::string(view.key), view.index});
    old += there ? 1 : 0;
  }
  for (; old != keys_.end(); ++old) {
    gone(*old);
  }
  keys_ = std::move(fresh);
  return events;
}

Result<KvEvent> KnownKeys::replace(const std::vector<PairView>& views) {
  auto pairs = decode_all(views);
  if (!pairs) {
    return fail(pairs.error());
  }
  keys_.clear();
  for (const auto& pair : *pairs) {
    keys_.push_back({pair.key, pair.index});
  }
  return KvEvent{KvEvent::Kind::Snapshot, std::move(*pairs), {}};
}

}  // namespace vtepd::consul
