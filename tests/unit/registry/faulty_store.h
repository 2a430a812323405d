// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "fakes/memory_store.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::test {

// A store that is gone for good after some writes, as it looks to a process that is killed there;
// the last write's answer may get lost. What `data` holds stays for the next process.
class FaultyStore : public KvStore {
 public:
  explicit FaultyStore(KvStore& data) : data_(data) {}

  int writes_left = 1 << 30;
  bool last_answer_lost = false;
  std::function<void(const std::string& key)> before_write;

  Result<std::optional<KvPair>> get(const std::string& key) override {
    return dead() ? gone() : data_.get(key);
  }

  Result<std::vector<KvPair>> list(const std::string& prefix) override {
    return dead() ? gone() : data_.list(prefix);
  }

  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const KvSession* session) override {
    return write(key, [&] { return data_.put(key, value, expected, session); });
  }

  Result<bool> erase(const std::string& key, std::uint64_t expected) override {
    return write(key, [&] { return data_.erase(key, expected); });
  }

  Result<std::unique_ptr<KvSession>> create_session() override { return data_.create_session(); }

  Result<std::unique_ptr<KvWatch>> watch(const KvScope& scope,
                                         std::function<void(KvEvent)> callback) override {
    return data_.watch(scope, std::move(callback));
  }

 private:
  [[nodiscard]] bool dead() const { return writes_left <= 0; }

  static Failure gone() { return fail(ErrorKind::Unavailable, "the store is away"); }

  Result<bool> write(const std::string& key, const std::function<Result<bool>()>& work) {
    if (dead()) {
      return gone();
    }
    if (before_write) {
      std::exchange(before_write, {})(key);
    }
    auto done = work();
    if (--writes_left <= 0 && last_answer_lost) {
      return gone();
    }
    return done;
  }

  KvStore& data_;
};

}  // namespace vtepd::test
