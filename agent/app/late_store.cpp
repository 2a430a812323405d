// SPDX-License-Identifier: GPL-2.0-only
#include "app/late_store.h"

#include <chrono>
#include <condition_variable>
#include <thread>
#include <utility>

namespace vtepd {

namespace {

constexpr std::chrono::seconds kRetry{1};

// Waits for the store on a thread of its own, then hands over to a watch of the store.
class LateWatch : public KvWatch {
 public:
  LateWatch(LateStore& store, KvScope scope, std::function<void(KvEvent)> callback)
      : store_(store), scope_(std::move(scope)), callback_(std::move(callback)) {
    thread_ = std::thread([this] { run(); });
  }

  ~LateWatch() override {
    {
      const std::lock_guard guard(mutex_);
      stop_ = true;
    }
    stopping_.notify_all();
    thread_.join();
  }

  LateWatch(const LateWatch&) = delete;
  LateWatch& operator=(const LateWatch&) = delete;

  void refresh() override {
    const std::lock_guard guard(mutex_);
    if (watch_) {
      watch_->refresh();
    }
  }

 private:
  void run() {
    std::string told;
    std::unique_lock guard(mutex_);
    while (!stop_) {
      guard.unlock();
      auto watch = begin();
      if (!watch && watch.error().what != told) {
        told = watch.error().what;
        callback_({.kind = KvEvent::Kind::Outage, .pairs = {}, .reason = told});
      }
      guard.lock();
      if (watch) {
        watch_ = std::move(*watch);
        return;
      }
      stopping_.wait_for(guard, kRetry, [this] { return stop_; });
    }
  }

  Result<std::unique_ptr<KvWatch>> begin() {
    const auto store = store_.store();
    return store ? (*store)->watch(scope_, callback_) : fail(store.error());
  }

  LateStore& store_;
  KvScope scope_;
  std::function<void(KvEvent)> callback_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::unique_ptr<KvWatch> watch_;
  std::thread thread_;
};

}  // namespace

Result<KvStore*> LateStore::store() {
  const std::lock_guard guard(mutex_);
  if (!store_) {
    auto opened = open_();
    if (!opened) {
      return fail(ErrorKind::Unavailable, opened.error().what);
    }
    store_ = std::move(*opened);
  }
  return store_.get();
}

Result<std::optional<KvPair>> LateStore::get(const std::string& key) {
  const auto there = store();
  return there ? (*there)->get(key) : fail(there.error());
}

Result<std::vector<KvPair>> LateStore::list(const std::string& prefix) {
  const auto there = store();
  return there ? (*there)->list(prefix) : fail(there.error());
}

Result<bool> LateStore::put(const std::string& key, const std::string& value,
                            std::uint64_t expected, const KvSession* session) {
  const auto there = store();
  return there ? (*there)->put(key, value, expected, session) : fail(there.error());
}

Result<bool> LateStore::erase(const std::string& key, std::uint64_t expected) {
  const auto there = store();
  return there ? (*there)->erase(key, expected) : fail(there.error());
}

Result<std::unique_ptr<KvSession>> LateStore::create_session() {
  const auto there = store();
  return there ? (*there)->create_session() : fail(there.error());
}

Result<std::unique_ptr<KvWatch>> LateStore::watch(const KvScope& scope,
                                                  std::function<void(KvEvent)> callback) {
  return std::make_unique<LateWatch>(*this, scope, std::move(callback));
}

}  // namespace vtepd
