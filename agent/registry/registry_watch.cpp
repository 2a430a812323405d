// SPDX-License-Identifier: GPL-2.0-only
#include "registry/registry_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace vtepd {

namespace {

KvScope below(std::string prefix, std::string required = {}) {
  KvScope scope(std::move(prefix));
  scope.required = std::move(required);
  return scope;
}

}  // namespace

Result<std::unique_ptr<RegistryWatch>> RegistryWatch::start(KvStore& store,
                                                            const std::string& prefix, Reach reach,
                                                            const NetworkIds& followed,
                                                            Callback callback) {
  std::unique_ptr<RegistryWatch> watch(new RegistryWatch(store, prefix, std::move(callback)));
  const auto& keys = watch->keys_;
  watch->in_use_only_ = reach == Reach::InUse;
  std::vector<KvScope> scopes;
  if (reach == Reach::Everything) {
    scopes = {below(prefix.empty() ? "" : prefix + "/")};
  } else {
    scopes = {below(keys.networks(), keys.networks()), below(keys.own_root(), keys.marker()),
              below(keys.docker_nodes())};  // nobody need run Docker
    watch->followed_ = followed;
  }
  std::vector<std::pair<std::string, std::vector<KvScope>>> all{{"", std::move(scopes)}};
  for (const auto& id : watch->followed_) {
    all.emplace_back(id, watch->scopes_of(id));
  }
  // All parts are there before the first event comes: none is in step without the others.
  std::vector<Part*> parts;
  for (auto& [id, of_it] : all) {
    for (auto& scope : of_it) {
      parts.push_back(&watch->parts_.emplace_back(Part{.scope = scope, .network_id = id}));
    }
  }
  for (auto* part : parts) {
    if (auto begun = watch->begin(*part); !begun) {
      return fail(begun.error());
    }
  }
  return watch;
}

// One after another ends while the others may still look at all parts.
RegistryWatch::~RegistryWatch() {
  for (auto& part : parts_) {
    part.watch.reset();
  }
}

Result<void> RegistryWatch::begin(Part& part) {
  auto started =
      store_.watch(part.scope, [this, &part](const KvEvent& event) { take(part, event); });
  if (!started) {
    return fail(started.error());
  }
  const std::lock_guard guard(mutex_);
  part.watch = std::move(*started);
  return {};
}

// The VNIs are in one key, which is read by its name: of a prefix, what an ACL hides would just be
// missing. The endpoints have the empty key that dockerd makes before it lists them.
std::vector<KvScope> RegistryWatch::scopes_of(const std::string& network_id) const {
  auto vnis = below(keys_.overlay(network_id));
  vnis.single = true;
  auto endpoints = below(keys_.endpoints(network_id), keys_.endpoints(network_id));
  endpoints.pulse = keys_.endpoint_count(network_id);
  return {std::move(vnis), std::move(endpoints)};
}

void RegistryWatch::follow(const NetworkIds& networks) {
  NetworkIds old;
  {
    const std::lock_guard guard(mutex_);
    old = std::exchange(followed_, networks);
  }
  for (const auto& id : old) {
    if (!networks.contains(id)) {
      leave(id);
    }
  }
  for (const auto& id : networks) {
    if (old.contains(id)) {
      continue;
    }
    std::vector<Part*> parts;
    {
      const std::lock_guard guard(mutex_);
      for (auto& scope : scopes_of(id)) {
        parts.push_back(&parts_.emplace_back(Part{.scope = std::move(scope), .network_id = id}));
      }
    }
    for (auto* part : parts) {
      if (const auto begun = begin(*part); !begun) {
        take(*part, {KvEvent::Kind::Outage, {}, begun.error().what});
      }
    }
  }
}

// The watches end outside of the lock: their threads may be about to take it.
void RegistryWatch::leave(const std::string& network_id) {
  std::list<Part> ended;
  {
    const std::lock_guard guard(mutex_);
    const bool was_away = any_away();
    for (auto part = parts_.begin(); part != parts_.end();) {
      const auto next = std::next(part);
      if (part->network_id == network_id) {
        part->ended = true;
        ended.splice(ended.end(), parts_, part);
      }
      part = next;
    }
    auto events = decoder_.forget(network_id);
    if (was_away && !any_away()) {
      events.emplace_back(store_event::Recovered{});
    }
    if (!events.empty()) {
      callback_(std::move(events));
    }
  }
}

void RegistryWatch::refresh() {
  const std::lock_guard guard(mutex_);
  for (const auto& part : parts_) {
    if (part.watch) {
      part.watch->refresh();
    }
  }
}

void RegistryWatch::on_read(const KvEvent& event) {
  const std::lock_guard guard(mutex_);
  const bool wanted =
      !in_use_only_ || std::all_of(event.pairs.begin(), event.pairs.end(), [&](const auto& pair) {
        return followed_.contains(std::string(keys_.parse(pair.key).network_id));
      });
  if (!wanted) {
    return;  // the network was left meanwhile
  }
  if (auto events = decoder_.decode_read(event); !events.empty()) {
    callback_(std::move(events));
  }
}

bool RegistryWatch::all_synced() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.synced; });
}

bool RegistryWatch::any_away() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.away; });
}

bool RegistryWatch::is_read(const std::string& network_id) const {
  return std::all_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.synced || part.network_id != network_id;
  });
}

void RegistryWatch::take(Part& part, const KvEvent& event) {
  const std::lock_guard guard(mutex_);
  if (part.ended) {
    return;
  }
  const bool was_away = any_away();
  part.away =
      event.kind == KvEvent::Kind::Outage || (part.away && event.kind != KvEvent::Kind::Recovered);
  part.synced =
      event.kind != KvEvent::Kind::Outage && (part.synced || event.kind == KvEvent::Kind::Snapshot);
  auto events = decoder_.decode(event, part.scope.prefix);
  std::erase_if(events, [&](const StoreEvent& decoded) {
    return (std::holds_alternative<store_event::Recovered>(decoded) && (any_away() || !was_away)) ||
           (std::holds_alternative<store_event::Synced>(decoded) && !all_synced());
  });
  if (event.kind == KvEvent::Kind::Snapshot && !part.network_id.empty() &&
      is_read(part.network_id)) {
    events.emplace_back(store_event::NetworkRead{part.network_id});
  }
  if (!events.empty()) {
    callback_(std::move(events));
  }
}

}  // namespace vtepd
