// SPDX-License-Identifier: GPL-2.0-only
#include "app/followed_networks.h"

#include "registry/registry_watch.h"
#include "unit/app/agent_bed.h"

#include <set>

#include <gtest/gtest.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;
using Ids = FollowedNetworks::Ids;

class Following : public testing::Test {
 protected:
  FollowedNetworks::Then note() {
    return [this](const Result<void>& read) { told_.push_back(read ? "read" : read.error().what); };
  }

  // Runs the loop for so long.
  void pass(std::chrono::milliseconds time) {
    const auto timer = loop_.make_timer();
    timer->set(time, [this] { loop_.stop(); });
    loop_.run();
  }

  EventLoop loop_;
  std::set<std::string> used_;
  std::vector<Ids> sets_;
  std::vector<std::string> told_;
  FollowedNetworks followed_{loop_,
                             {[this](const std::string& id) { return used_.contains(id); },
                              [this](const Ids& ids) { sets_.push_back(ids); }},
                             50ms};
};

TEST_F(Following, WhoAsksIsToldWhenItWasReadAndAtOnceFromThenOn) {
  followed_.require("a", note());
  followed_.require("a", note());
  EXPECT_EQ(sets_, (std::vector<Ids>{{"a"}})) << "once";
  EXPECT_TRUE(told_.empty());
  followed_.on_read("b");
  EXPECT_TRUE(told_.empty());
  followed_.on_read("a");
  EXPECT_EQ(told_.size(), 2U);
  followed_.require("a", note());
  EXPECT_EQ(told_, (std::vector<std::string>{"read", "read", "read"}));
}

TEST_F(Following, OneOutOfUseIsLeftAfterAWhileAndOneInUseIsNot) {
  used_ = {"a", "b"};
  followed_.begin({"a", "b", "c"});
  EXPECT_TRUE(sets_.empty()) << "who begins knows";
  pass(200ms);
  EXPECT_EQ(sets_, (std::vector<Ids>{{"a", "b"}}));
  used_.erase("a");
  followed_.settle();
  EXPECT_EQ(sets_.size(), 1U) << "not at once";
  pass(20ms);
  used_.insert("a");
  pass(200ms);
  EXPECT_EQ(sets_.size(), 1U) << "it came back in time";
  used_.erase("b");
  followed_.settle();
  pass(200ms);
  EXPECT_EQ(sets_.back(), (Ids{"a"}));
}

TEST_F(Following, OneThatCannotBeReadIsGivenUpAndItsAskerIsToldWhy) {
  used_ = {"b"};
  followed_.begin({"b"});
  followed_.require("a", note());
  followed_.on_store_away("permission denied");
  EXPECT_EQ(
      told_,
      (std::vector<std::string>{"the network's endpoints cannot be read: permission denied"}));
  EXPECT_EQ(sets_, (std::vector<Ids>{{"a", "b"}, {"b"}})) << "the one in use stays";
  followed_.require("a", note());
  followed_.on_read("a");
  EXPECT_EQ(told_.back(), "read");
}

// A daemon that follows a shared store, on a store in memory.
struct FollowingBed {
  Result<AttachReply> attach(const std::string& netns) {
    AttachRequest request{.network = "blue", .netns_path = netns};
    return bed.ask<AttachReply>([&](auto reply) { bed.agent->attach(request, reply); });
  }

  void start() {
    watch.reset();
    bed.stop();
    bed.follows_in_use = true;
    bed.start();
    follow();
  }

  void follow() {
    auto started = RegistryWatch::start(
        store, "", RegistryWatch::Reach::InUse, bed.agent->followed(),
        [this](std::vector<StoreEvent> events) {
          bed.loop->post([this, events] { bed.agent->on_store_events(events); });
        });
    ASSERT_TRUE(started);
    watch = std::move(*started);
    bed.agent->on_follow([this](const Ids& networks) { watch->follow(networks); });
  }

  // As if the store had it from there.
  void move_to_another_host(const EndpointView& endpoint) {
    const auto key = registry::Keys("").endpoint(endpoint.network_id, endpoint.id);
    auto pair = **store.get(key);
    for (std::size_t at = 0; (at = pair.value.find("198.51.100.1", at)) != std::string::npos;) {
      pair.value.replace(at, 12, "198.51.100.9");
    }
    ASSERT_TRUE(store.put(key, pair.value, pair.index, nullptr).value());
  }

  MemoryStore store;
  Bed bed{store};
  std::unique_ptr<RegistryWatch> watch;
};

TEST(AgentFollowing, AnAttachReadsItsNetworkFirst) {
  FollowingBed on;
  Bed other(on.store, "b");
  ASSERT_TRUE(on.bed.registry->prepare());
  other.make_network();
  const auto far = other.attach("/run/netns/c2");
  ASSERT_TRUE(far) << far.error().what;
  on.move_to_another_host(far->endpoint);

  on.start();
  EXPECT_TRUE(on.bed.agent->followed().empty());
  ASSERT_TRUE(on.bed.run_until([&] { return on.bed.agent->status().store_ok; }));
  EXPECT_EQ(on.bed.agent->status().endpoints, 0U) << "not in use here: not read";
  EXPECT_EQ(on.bed.endpoints()->size(), 1U) << "but shown";

  const auto near = on.attach("/run/netns/c1");
  ASSERT_TRUE(near) << near.error().what;
  EXPECT_EQ(on.bed.agent->followed().size(), 1U);
  EXPECT_EQ(on.bed.dataplane.state.fdb.size(), 2U) << "the other is known when attach answers";
  EXPECT_EQ(on.bed.endpoints()->size(), 2U);
}

// A daemon that is killed in its first attach to a network has not written the endpoint down yet.
TEST(AgentFollowing, WhatAKilledDaemonLeftInANetworkIsWithdrawn) {
  FollowingBed on;
  ASSERT_TRUE(on.bed.registry->prepare());
  on.bed.make_network();
  on.start();
  on.bed.links.fail_create = Error{ErrorKind::Internal, "no veth"};
  EXPECT_FALSE(on.attach("/run/netns/c1"));
  EXPECT_EQ(on.bed.state.load()->networks.size(), 1U)
      << "written down before the endpoint was made";
  on.bed.links.fail_create.reset();
  ASSERT_TRUE(on.attach("/run/netns/c1"));
  auto killed = *on.bed.state.load();
  killed.endpoints.clear();
  ASSERT_TRUE(on.bed.state.save(killed));
  EXPECT_EQ(on.bed.stored().first, 1U);

  on.start();
  EXPECT_TRUE(on.bed.run_until([&] { return on.bed.stored().first == 0; }));
}

}  // namespace

}  // namespace vtepd
