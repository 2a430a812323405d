// SPDX-License-Identifier: GPL-2.0-only
#include "app/late_store.h"

#include "fakes/memory_store.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace vtepd {
namespace {

using namespace std::chrono_literals;

// The events of a watch, as its thread tells them.
class Heard {
 public:
  void add(KvEvent event) {
    const std::lock_guard guard(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }

  // The nth event, if it comes within some seconds.
  std::optional<KvEvent> nth(std::size_t n) {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, 10s, [&] { return events_.size() > n; });
    return events_.size() > n ? std::optional(events_[n]) : std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<KvEvent> events_;
};

struct Late {
  std::atomic<bool> there{false};
  std::atomic<int> tries{0};
  LateStore store{[this]() -> Result<std::unique_ptr<KvStore>> {
    ++tries;
    if (!there) {
      return fail(ErrorKind::NotFound, "/srv/store: not mounted");
    }
    return std::make_unique<MemoryStore>();
  }};
};

TEST(LateStore, EveryCallFailsAsUnavailableUntilItIsThere) {
  Late late;

  for (const auto& error : {late.store.get("k").error(), late.store.list("").error(),
                            late.store.put("k", "v", 0).error(), late.store.erase("k", 0).error(),
                            late.store.create_session().error()}) {
    EXPECT_EQ(error.kind, ErrorKind::Unavailable);
    EXPECT_NE(error.what.find("/srv/store"), std::string::npos) << error.what;
  }

  late.there = true;
  EXPECT_EQ(late.store.put("k", "v", 0), true);
  const int tries = late.tries;
  EXPECT_EQ(late.store.get("k")->value().value, "v");
  EXPECT_EQ(late.tries, tries) << "opened once";
}

TEST(LateStore, WatchTellsTheOutageOnceAndGoesOnWhenTheStoreComes) {
  Late late;
  Heard heard;
  const auto watch = late.store.watch("", [&](KvEvent event) { heard.add(std::move(event)); });
  ASSERT_TRUE(watch);

  const auto outage = heard.nth(0);
  ASSERT_TRUE(outage);
  EXPECT_EQ(outage->kind, KvEvent::Kind::Outage);
  EXPECT_NE(outage->reason.find("not mounted"), std::string::npos);

  late.there = true;
  const auto snapshot = heard.nth(1);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->kind, KvEvent::Kind::Snapshot);
  EXPECT_EQ(late.store.put("k", "v", 0), true);
  const auto put = heard.nth(2);
  ASSERT_TRUE(put);
  EXPECT_EQ(put->kind, KvEvent::Kind::Put);
}

TEST(LateStore, WatchOfAStoreThatNeverComesEnds) {
  Late late;
  Heard heard;
  auto watch = late.store.watch("", [&](KvEvent event) { heard.add(std::move(event)); });
  ASSERT_TRUE(heard.nth(0));

  watch->reset();
}

}  // namespace
}  // namespace vtepd
