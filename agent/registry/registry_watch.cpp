// SPDX-License-Identifier: GPL-2.0-only
#include "registry/registry_watch.h"

#include "registry/keys.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace vtepd {

std::vector<RegistryWatch::Part> RegistryWatch::whole(const std::string& prefix) {
  return {{prefix.empty() ? "" : prefix + "/", ""}};
}

std::vector<RegistryWatch::Part> RegistryWatch::trees(const std::string& prefix) {
  const registry::Keys keys(prefix);
  return {{keys.docker_root(), keys.networks()},
          {keys.own_root(), keys.marker()},
          {keys.docker_nodes(), ""}};  // nobody need run Docker
}

Result<std::unique_ptr<RegistryWatch>> RegistryWatch::start(KvStore& store,
                                                            const std::string& prefix,
                                                            const std::vector<Part>& parts,
                                                            Callback callback) {
  std::unique_ptr<RegistryWatch> watch(new RegistryWatch(prefix, std::move(callback)));
  for (const auto& part : parts) {
    watch->followers_.push_back({.prefix = part.prefix});
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto started = store.watch(
        parts[i].prefix, [raw = watch.get(), i](const KvEvent& event) { raw->take(i, event); },
        parts[i].required);
    if (!started) {
      return fail(started.error());
    }
    watch->watches_.push_back(std::move(*started));
  }
  return watch;
}

void RegistryWatch::refresh() {
  for (const auto& watch : watches_) {
    watch->refresh();
  }
}

void RegistryWatch::on_read(const KvEvent& event) {
  const std::lock_guard guard(mutex_);
  if (auto events = decoder_.decode_read(event); !events.empty()) {
    callback_(std::move(events));
  }
}

bool RegistryWatch::all_synced() const {
  return std::all_of(followers_.begin(), followers_.end(),
                     [](const Follower& follower) { return follower.synced; });
}

bool RegistryWatch::any_away() const {
  return std::any_of(followers_.begin(), followers_.end(),
                     [](const Follower& follower) { return follower.away; });
}

void RegistryWatch::take(std::size_t part, const KvEvent& event) {
  const std::lock_guard guard(mutex_);
  auto& follower = followers_[part];
  const bool was_away = any_away();
  follower.away = event.kind == KvEvent::Kind::Outage ||
                  (follower.away && event.kind != KvEvent::Kind::Recovered);
  follower.synced = event.kind != KvEvent::Kind::Outage &&
                    (follower.synced || event.kind == KvEvent::Kind::Snapshot);
  auto events = decoder_.decode(event, follower.prefix);
  std::erase_if(events, [&](const StoreEvent& decoded) {
    return (std::holds_alternative<store_event::Recovered>(decoded) && (any_away() || !was_away)) ||
           (std::holds_alternative<store_event::Synced>(decoded) && !all_synced());
  });
  if (!events.empty()) {
    callback_(std::move(events));
  }
}

}  // namespace vtepd
