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

  Result<std::unique_ptr<KvWatch>> watch(const std::string& /*prefix*/,
                                         std::function<void(KvEvent)> callback,
                                         const std::string& /*required*/ = {}) override {
    const std::lock_guard lock(mutex_);
    callback_ = std::move(callback);
    KvEvent snapshot{KvEvent::Kind::Snapshot, {}, {}};
    for (const auto& [key, pair] : pairs_) {
      snapshot.pairs.push_back(pair);
    }
    tell(snapshot);
    return std::make_unique<Watch>();
  }

 private:
  struct Session : KvSession {
    [[nodiscard]] const std::string& id() const override { return name; }

    std::string name = "session";
  };

  struct Watch : KvWatch {
    void refresh() override {}
  };

  static Failure gone() { return fail(ErrorKind::Unavailable, "the store is away"); }

  void tell(const KvEvent& event) {
    if (callback_) {
      callback_(event);
    }
  }

  std::mutex mutex_;
  std::map<std::string, KvPair> pairs_;
  std::uint64_t index_ = 0;
  bool away_ = false;
  std::function<void(KvEvent)> callback_;
};

}  // namespace vtepd
