// SPDX-License-Identifier: GPL-2.0-only
// What a Consul store does beyond the contract of every store, against the real one.
#include "services/consul_bed.h"
#include "unit/contract/kv_store_contract.h"

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using Events = std::vector<KvEvent>;

bool ends_with(const Events& events, KvEvent::Kind kind) {
  return !events.empty() && events.back().kind == kind;
}

class ConsulReal : public testing::Test {
 protected:
  ConsulReal() { server_.start(); }

  ConsulServer server_;
};

TEST_F(ConsulReal, EveryWriteHasDockersFlags) {
  const auto store = open_store(server_.url());
  const auto session = store->create_session();
  ASSERT_TRUE(session);
  ASSERT_TRUE(store->put("plain", "1", 0).value());
  ASSERT_TRUE(store->put("not//clean", "1", 0).value());
  ASSERT_TRUE(store->put("held", "1", 0, session->get()).value());
  const auto held = store->get("held");
  ASSERT_TRUE(store->put("held", "2", (*held)->index, session->get()).value());

  for (const char* key : {"plain", "held"}) {
    const auto text = server_.kv({"get", "-detailed", key});
    EXPECT_NE(text.find("3304740253564472344"), std::string::npos) << text;
  }
  EXPECT_NE(server_.kv({"export", "not/"}).find("3304740253564472344"), std::string::npos);
}

TEST_F(ConsulReal, AValueThatIsTooLargeIsRefusedAndOneThatFitsIsNot) {
  const auto store = open_store(server_.url());
  EXPECT_TRUE(store->put("k", std::string(500000, 'x'), 0).value());
  const auto put = store->put("large", std::string(600000, 'x'), 0);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::Invalid);
  EXPECT_NE(put.error().what.find("(413)"), std::string::npos) << put.error().what;
}

TEST_F(ConsulReal, ASessionTakesAKeyFromAnother) {
  const auto one = open_store(server_.url());
  const auto other = open_store(server_.url());
  const auto first = one->create_session();
  auto second = other->create_session();
  ASSERT_TRUE(one->put("node", "1", 0, first->get()).value());
  EXPECT_FALSE(other->put("node", "2", 0, second->get()).value());
  const auto index = (*other->get("node"))->index;
  EXPECT_FALSE(other->put("node", "2", index + 1, second->get()).value());
  ASSERT_TRUE(other->put("node", "2", index, second->get()).value());
  second->reset();
  EXPECT_FALSE(*one->get("node")) << "it went with the session that had it last";
}

TEST_F(ConsulReal, ASessionThatConsulLostIsMadeAnewWithItsKeys) {
  const auto store = open_store(server_.url());
  const auto other = open_store(server_.url());
  const auto session = store->create_session();
  ASSERT_TRUE(store->put("node/a", "mine", 0, session->get()).value());
  ASSERT_TRUE(store->put("node/b", "mine", 0, session->get()).value());
  // Longer than the sessions' TTL can last.
  server_.freeze();
  sleep_for(Seconds(8));
  server_.thaw();
  ASSERT_TRUE(wait_until([&] { return !server_.kv({"get", "-keys", ""}).empty(); }, Seconds(10)));
  EXPECT_TRUE(wait_until(
      [&] {
        const auto pair = other->get("node/a");
        return pair && *pair && (*pair)->value == "mine";
      },
      Seconds(5)));
  EXPECT_TRUE(wait_until([&] { return other->get("node/b").value().has_value(); }, Seconds(5)));
}

TEST_F(ConsulReal, AWatchSurvivesAStopAndAFreeze) {
  const auto store = open_store(server_.url());
  ASSERT_TRUE(store->put("w/marker", "", 0).value());
  ASSERT_TRUE(store->put("w/a", "1", 0).value());
  Recorder recorder;
  const auto watch = store->watch(scope_of("w/", "w/marker"), recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 2; }));

  server_.stop();
  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return ends_with(events, KvEvent::Kind::Outage); }));
  EXPECT_FALSE(store->get("w/a"));
  server_.start();
  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return ends_with(events, KvEvent::Kind::Snapshot); }, Seconds(5)));

  server_.freeze();
  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return ends_with(events, KvEvent::Kind::Outage); }));
  server_.thaw();
  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return ends_with(events, KvEvent::Kind::Snapshot); }, Seconds(5)));
  EXPECT_EQ(replay(recorder.events()).size(), 2U);
  ASSERT_TRUE(store->put("w/b", "2", 0).value());
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 3; }));
}

TEST_F(ConsulReal, ALargeScopeIsReadAfterItsPulseAndAtIntervals) {
  auto options = store_options(server_.url());
  options.large_prefix = 20;
  options.large_pause = Milliseconds(1500);
  const auto store = open_store(options);
  const auto write = [&](const std::string& key, const std::string& value) {
    const auto old = store->get(key);
    ASSERT_TRUE(store->put(key, value, *old ? (*old)->index : 0).value());
  };
  write("count", "30");
  for (int i = 0; i < 30; ++i) {
    write("many/" + std::to_string(100 + i), "1");
  }
  KvScope scope("many/");
  scope.pulse = "count";
  Recorder recorder;
  const auto watch = store->watch(scope, recorder.callback());
  const auto has = [](const std::string& key, const std::string& value) {
    return [=](const Events& events) {
      const auto state = replay(events);
      return std::find(state.begin(), state.end(), std::pair(key, value)) != state.end();
    };
  };
  ASSERT_TRUE(recorder.wait_for(has("many/129", "1")));

  write("many/100", "2");
  EXPECT_FALSE(recorder.wait_for(has("many/100", "2"), Seconds(3))) << "nothing told it to look";
  write("count", "31");
  EXPECT_TRUE(recorder.wait_for(has("many/100", "2"), Seconds(5)));
  // What is written after its pulse is seen by the second reading.
  sleep_for(Milliseconds(200));
  write("many/101", "2");
  EXPECT_TRUE(recorder.wait_for(has("many/101", "2"), Seconds(5)));

  // However often the pulse comes, and is asked for besides: one reading an interval.
  const auto before = recorder.events().size();
  const auto begin = Clock::now();
  int writes = 0;
  while (Clock::now() - begin < Seconds(6)) {
    write("many/102", std::to_string(++writes));
    write("count", std::to_string(100 + writes));
    (*watch)->refresh();
    sleep_for(Milliseconds(20));
  }
  EXPECT_TRUE(recorder.wait_for(has("many/102", std::to_string(writes)), Seconds(8)));
  const auto readings = recorder.events().size() - before;
  EXPECT_GE(readings, 2U);
  EXPECT_LE(readings, 8U) << writes << " writes";

  ASSERT_TRUE(store->erase("many/103", (*store->get("many/103"))->index).value());
  write("count", "1");
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 29; },
                                Seconds(5)));
}

TEST_F(ConsulReal, EveryConsistencyServesAWatch) {
  for (const char* mode : {"default", "consistent", "stale"}) {
    auto options = store_options(server_.url());
    options.consistency = mode;
    const auto store = open_store(options);
    Recorder recorder;
    const std::string prefix = std::string(mode) + "/";
    const auto watch = store->watch(prefix, recorder.callback());
    ASSERT_TRUE(store->put(prefix + "k", "1", 0).value());
    EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 1; }))
        << mode;
  }
}

TEST_F(ConsulReal, AnAnswerOverTheLimitIsRefusedAndOneBelowIsNot) {
  auto options = store_options(server_.url());
  options.body_limit = 100000;
  const auto store = open_store(options);
  ASSERT_TRUE(store->put("k/small", std::string(50000, 'x'), 0).value());
  EXPECT_EQ(store->list("k/")->size(), 1U);
  ASSERT_TRUE(store->put("k/large", std::string(200000, 'x'), 0).value());
  const auto listed = store->list("k/");
  ASSERT_FALSE(listed);
  EXPECT_NE(listed.error().what.find("over the limit of 100000"), std::string::npos);
  EXPECT_TRUE(store->get("k/small")) << "the connection that was broken off is not used again";
}

}  // namespace

}  // namespace vtepd::test
