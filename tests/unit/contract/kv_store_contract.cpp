// SPDX-License-Identifier: GPL-2.0-only
#include "unit/contract/kv_store_contract.h"

#include <atomic>

namespace vtepd::test {

using namespace std::chrono_literals;

void KvStoreContract::SetUp() {
  harness_ = GetParam().make();
  ASSERT_TRUE(harness_);
  store_ = harness_->open();
  ASSERT_TRUE(store_);
}

KvPair KvStoreContract::must_get(const std::string& key) {
  auto pair = store_->get(key);
  EXPECT_TRUE(pair && *pair) << key;
  return pair && *pair ? **pair : KvPair{};
}

bool KvStoreContract::must_put(const std::string& key, const std::string& value,
                               std::uint64_t expected) {
  const auto put = store_->put(key, value, expected);
  EXPECT_TRUE(put) << put.error().what;
  return put && *put;
}

namespace {

using Events = std::vector<KvEvent>;

TEST_P(KvStoreContract, MissingKeyIsEmptyAndErasingItSucceeds) {
  const auto pair = store_->get("none");

  ASSERT_TRUE(pair);
  EXPECT_FALSE(*pair);
  EXPECT_TRUE(store_->erase("none", 7).value());
}

TEST_P(KvStoreContract, PutComparesTheIndex) {
  EXPECT_FALSE(must_put("k", "x", 5));
  ASSERT_TRUE(must_put("k", "one", 0));
  EXPECT_FALSE(must_put("k", "two", 0));
  const auto first = must_get("k");
  EXPECT_NE(first.index, 0U);

  EXPECT_TRUE(must_put("k", "two", first.index));

  EXPECT_GT(must_get("k").index, first.index);
  EXPECT_FALSE(must_put("k", "three", first.index));
  EXPECT_EQ(must_get("k").value, "two");
}

TEST_P(KvStoreContract, EraseComparesTheIndexAndIndicesNeverComeBack) {
  ASSERT_TRUE(must_put("k", "one", 0));
  const auto first = must_get("k");

  EXPECT_FALSE(store_->erase("k", first.index + 1).value());
  EXPECT_TRUE(store_->erase("k", first.index).value());
  EXPECT_FALSE(*store_->get("k"));
  ASSERT_TRUE(must_put("k", "again", 0));

  EXPECT_GT(must_get("k").index, first.index);
}

TEST_P(KvStoreContract, ValuesAreBytes) {
  const std::string bytes("\0\xff\n\r\"{}", 7);
  ASSERT_TRUE(must_put("bytes", bytes, 0));
  ASSERT_TRUE(must_put("empty", "", 0));
  const std::string large(300000, 'x');
  ASSERT_TRUE(must_put("large", large, 0));

  EXPECT_EQ(must_get("bytes").value, bytes);
  EXPECT_EQ(must_get("empty").value, "");
  EXPECT_EQ(must_get("large").value, large);
}

TEST_P(KvStoreContract, KeyDirectoryKeyAndKeyBelowLiveSideBySide) {
  for (const std::string key : {"a", "a/", "a/b", "a/b/", "a//b", "x y", "10.0.0.1:2376",
                                "fd00::/64/", ".hidden", "..", "a%2Fb", "per%cent"}) {
    EXPECT_TRUE(must_put(key, "value of " + key, 0)) << key;
  }
  EXPECT_EQ(must_get("a").value, "value of a");
  EXPECT_EQ(must_get("a/").value, "value of a/");
  EXPECT_EQ(must_get("a//b").value, "value of a//b");
  EXPECT_EQ(must_get("a%2Fb").value, "value of a%2Fb");
  EXPECT_TRUE(store_->erase("a/", must_get("a/").index).value());
  EXPECT_EQ(must_get("a/b").value, "value of a/b");
}

TEST_P(KvStoreContract, ListIsSortedAndByPrefix) {
  for (const std::string key : {"p/b", "p/a/", "p/a/z", "p/a", "p-", "pq", "p", "o", "p/a!"}) {
    ASSERT_TRUE(must_put(key, key, 0));
  }
  const auto keys = [&](const std::string& prefix) {
    std::vector<std::string> found;
    const auto pairs = store_->list(prefix);
    EXPECT_TRUE(pairs);
    for (const auto& pair : *pairs) {
      EXPECT_EQ(pair.key, pair.value);
      EXPECT_EQ(pair.index, must_get(pair.key).index);
      found.push_back(pair.key);
    }
    return found;
  };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys("p"), (Keys{"p", "p-", "p/a", "p/a!", "p/a/", "p/a/z", "p/b", "pq"}));
  EXPECT_EQ(keys("p/"), (Keys{"p/a", "p/a!", "p/a/", "p/a/z", "p/b"}));
  EXPECT_EQ(keys("p/a"), (Keys{"p/a", "p/a!", "p/a/", "p/a/z"}));
  EXPECT_EQ(keys("p/a/"), (Keys{"p/a/", "p/a/z"}));
  EXPECT_EQ(keys("q"), Keys{});
  EXPECT_EQ(keys("").size(), 9U);
}

TEST_P(KvStoreContract, EightThreadsAndTwoObjectsLoseNoIncrement) {
  auto other = harness_->open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] { count_up(i % 2 == 0 ? *store_ : *other, "counter", 25); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(must_get("counter").value, "200");
}

TEST_P(KvStoreContract, ProcessesLoseNoIncrement) {
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(std::make_unique<Child>("count", harness_->address(), "counter", "25"));
  }
  count_up(*store_, "counter", 25);
  for (auto& child : children) {
    EXPECT_EQ(child->wait(), 0);
  }
  EXPECT_EQ(must_get("counter").value, "125");
}

TEST_P(KvStoreContract, WatchBeginsWithASnapshotOfThePrefix) {
  ASSERT_TRUE(must_put("in/a", "1", 0));
  ASSERT_TRUE(must_put("out/b", "2", 0));
  Recorder recorder;

  const auto watch = store_->watch("in/", recorder.callback());

  ASSERT_TRUE(watch);
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));
  const auto first = recorder.events().front();
  ASSERT_EQ(first.kind, KvEvent::Kind::Snapshot);
  ASSERT_EQ(first.pairs.size(), 1U);
  EXPECT_EQ(first.pairs[0].key, "in/a");
  EXPECT_EQ(first.pairs[0].index, must_get("in/a").index);
}

TEST_P(KvStoreContract, WatchReportsPutAndDeleteOfAnotherObjectSoon) {
  auto other = harness_->open();
  Recorder recorder;
  const auto watch = store_->watch("w/", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));

  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(other->put("w/deep/er/key", "v", 0).value());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) {
    return replay(events) == decltype(replay(events)){{"w/deep/er/key", "v"}};
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  ASSERT_TRUE(other->put("elsewhere", "v", 0).value());
  ASSERT_TRUE(other->erase("w/deep/er/key", (*other->get("w/deep/er/key"))->index).value());
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).empty(); }));
}

TEST_P(KvStoreContract, AWatchOfASingleKeySeesNoOther) {
  ASSERT_TRUE(must_put("one/key/", "1", 0));
  ASSERT_TRUE(must_put("one/key/below", "2", 0));
  KvScope scope("one/key/");
  scope.single = true;
  Recorder recorder;

  const auto watch = store_->watch(scope, recorder.callback());

  const auto shows = [](const char* value) {
    return [value](const Events& events) {
      return !events.empty() && replay(events) == decltype(replay(events)){{"one/key/", value}};
    };
  };
  ASSERT_TRUE(recorder.wait_for(shows("1")));
  ASSERT_TRUE(must_put("one/key/other", "3", 0));
  ASSERT_TRUE(must_put("one/key/", "4", must_get("one/key/").index));
  EXPECT_TRUE(recorder.wait_for(shows("4")));
  ASSERT_TRUE(store_->erase("one/key/", must_get("one/key/").index).value());
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).empty(); }));
}

TEST_P(KvStoreContract, WatchLosesNothingUnderChurn) {
  Recorder recorder;
  const auto watch = store_->watch("churn/", recorder.callback());
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 40; ++i) {
        const auto key = "churn/" + std::to_string(i % 7) + "/" + std::to_string(writer);
        const auto pair = store_->get(key);
        if (i % 5 == 4 && *pair) {
          static_cast<void>(store_->erase(key, (*pair)->index));
        } else {
          static_cast<void>(store_->put(key, std::to_string(i), *pair ? (*pair)->index : 0));
        }
      }
    });
  }
  for (auto& writer : writers) {
    writer.join();
  }
  std::vector<std::pair<std::string, std::string>> truth;
  const auto pairs = store_->list("churn/");
  ASSERT_TRUE(pairs);
  for (const auto& pair : *pairs) {
    truth.emplace_back(pair.key, pair.value);
  }
  EXPECT_TRUE(recorder.wait_for(
      [&](const Events& events) { return !events.empty() && replay(events) == truth; }));
}

TEST_P(KvStoreContract, IndicesOfAKeyGrowInAWatch) {
  Recorder recorder;
  const auto watch = store_->watch("grow", recorder.callback());
  count_up(*store_, "grow", 30);
  ASSERT_TRUE(recorder.wait_for([](const Events& events) {
    return !events.empty() && !events.back().pairs.empty() && events.back().pairs[0].value == "30";
  }));
  std::uint64_t last = 0;
  for (const auto& event : recorder.events()) {
    for (const auto& pair : event.pairs) {
      EXPECT_GE(pair.index, last);
      last = pair.index;
    }
  }
}

TEST_P(KvStoreContract, RefreshBringsASnapshot) {
  Recorder recorder;
  const auto watch = store_->watch("", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return events.size() == 1; }));

  (*watch)->refresh();

  EXPECT_TRUE(recorder.wait_for([](const Events& events) {
    return events.size() >= 2 && events.back().kind == KvEvent::Kind::Snapshot;
  }));
}

TEST_P(KvStoreContract, NoCallbackAfterTheWatchWent) {
  std::atomic<bool> gone{false};
  std::atomic<bool> late{false};
  std::thread writer([&] { count_up(*store_, "busy", 40); });
  {
    const auto watch = store_->watch("", [&](const KvEvent&) { late = late || gone; });
    std::this_thread::sleep_for(20ms);
  }
  gone = true;
  writer.join();
  EXPECT_FALSE(late);
}

TEST_P(KvStoreContract, SessionKeysGoWithTheSession) {
  ASSERT_TRUE(must_put("stays", "v", 0));
  auto session = store_->create_session();
  auto other = store_->create_session();
  ASSERT_TRUE(session && other);
  EXPECT_NE((*session)->id(), (*other)->id());
  ASSERT_TRUE(store_->put("goes", "v", 0, session->get()).value());
  ASSERT_TRUE(store_->put("holds", "v", 0, other->get()).value());

  session->reset();

  const auto deadline = std::chrono::steady_clock::now() + harness_->session_grace();
  while (*store_->get("goes") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_FALSE(*store_->get("goes"));
  EXPECT_TRUE(*store_->get("holds"));
  EXPECT_TRUE(*store_->get("stays"));
}

TEST_P(KvStoreContract, KilledHoldersKeysGoAndTheWatchSaysSo) {
  Child child("hold", harness_->address(), "node/x");
  ASSERT_TRUE(child.wait_until_ready());
  Recorder recorder;
  const auto watch = store_->watch("node/", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 1; }));
  std::this_thread::sleep_for(1200ms);
  ASSERT_TRUE(*store_->get("node/x")) << "the session of a live process must hold";

  child.kill_now();

  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).empty(); },
                                harness_->session_grace()));
  EXPECT_FALSE(*store_->get("node/x"));
}

}  // namespace

}  // namespace vtepd::test
