// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/kv_store.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// A KvStore in memory that can be told to be away.
class MemoryStore : public KvStore {
 public:
  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
  }

  std::map<std::string, KvPair> pairs() {
    const std::lock_guard lock(mutex_);
    return pairs_;
  }

  Result<std::optional<KvPair>> get(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    if (away_) {
      return gone();
    }
    const auto place = pairs_.find(key);
    return place == pairs_.end() ? std::optional<KvPair>() : std::optional(place->second);
  }

  Result<std::vector<KvPair>> list(const std::string& prefix) override {
    const std::lock_guard lock(mutex_);
    if (away_) {
      return gone();
    }
    std::vector<KvPair> result;
    for (const auto& [key, pair] : pairs_) {
      if (key.starts_with(prefix)) {
        result.push_back(pair);
      }
    }
    return result;
  }

  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const KvSession* /*session*/) override {
    const std::lock_guard lock(mutex_);
    if (away_) {
      return gone();
    }
    const auto place = pairs_.find(key);
    if ((place == pairs_.end() ? 0 : place->second.index) != expected) {
      return false;
    }
    pairs_[key] = {key, value, ++index_};
    tell({KvEvent::Kind::Put, {pairs_[key]}, {}});
    return true;
  }

  Result<bool> erase(const std::string& key, std::uint64_t expected) override {
    const std::lock_guard lock(mutex_);
    if (away_) {
      return gone();
    }
    const auto place = pairs_.find(key);
    if (place == pairs_.end()) {
      return true;
    }
    if (place->second.index != expected) {
      return false;
    }
    pairs_.erase(place);
    tell({KvEvent::Kind::Delete, {{key, "", 0}}, {}});
    return true;
  }

  Result<std::unique_ptr<KvSession>> create_session() override {
    if (away_) {
      return gone();
    }
    return std::make_unique<Session>();
  }

  // Calls back on the thread of whoever writes.
  Result<std::unique_ptr<KvWatch>> watch(const KvScope& scope,
                                         std::function<void(KvEvent)> callback) override {
    const std::lock_guard lock(mutex_);
    watchers_.push_back({++last_watcher_, scope, std::move(callback)});
    snapshot(watchers_.back());
    return std::make_unique<Watch>(*this, last_watcher_);
  }

  // What the watches on such a scope report, besides what is written.
  void report(const std::string& prefix, const KvEvent& event) {
    const std::lock_guard lock(mutex_);
    for (const auto& watcher : watchers_) {
      if (watcher.scope.prefix == prefix) {
        watcher.callback(event);
      }
    }
  }

  std::vector<KvScope> watched() {
    const std::lock_guard lock(mutex_);
    std::vector<KvScope> scopes;
    for (const auto& watcher : watchers_) {
      scopes.push_back(watcher.scope);
    }
    return scopes;
  }

 private:
  struct Session : KvSession {
    [[nodiscard]] const std::string& id() const override { return name; }

    std::string name = "session";
  };

  struct Watcher {
    int number = 0;
    KvScope scope;
    std::function<void(KvEvent)> callback;

    [[nodiscard]] bool covers(const std::string& key) const {
      return scope.single ? key == scope.prefix : key.starts_with(scope.prefix);
    }
  };

  struct Watch : KvWatch {
    Watch(MemoryStore& watched_store, int its_number) : store(watched_store), number(its_number) {}

    ~Watch() override {
      const std::lock_guard lock(store.mutex_);
      std::erase_if(store.watchers_, [&](const Watcher& w) { return w.number == number; });
    }

    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void refresh() override {
      const std::lock_guard lock(store.mutex_);
      for (const auto& watcher : store.watchers_) {
        if (watcher.number == number) {
          store.snapshot(watcher);
        }
      }
    }

    MemoryStore& store;
    int number;
  };

  static Failure gone() { return fail(ErrorKind::Unavailable, "the store is away"); }

  void tell(const KvEvent& event) {
    for (const auto& watcher : watchers_) {
      if (watcher.covers(event.pairs.front().key)) {
        watcher.callback(event);
      }
    }
  }

  void snapshot(const Watcher& watcher) {
    KvEvent event{KvEvent::Kind::Snapshot, {}, {}};
    for (const auto& [key, pair] : pairs_) {
      if (watcher.covers(key)) {
        event.pairs.push_back(pair);
      }
    }
    watcher.callback(std::move(event));
  }

  std::mutex mutex_;
  std::map<std::string, KvPair> pairs_;
  std::uint64_t index_ = 0;
  bool away_ = false;
  std::vector<Watcher> watchers_;
  int last_watcher_ = 0;
};

}  // namespace vtepd
