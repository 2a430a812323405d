// SPDX-License-Identifier: GPL-2.0-only
// What gossip says against what the store says, by a clock of the test's own.
#include "core/gossip_merge.h"

#include "unit/core/overlay_bed.h"

#include <gmock/gmock.h>

namespace vtepd {
namespace {

using namespace overlay_bed;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Verdict = GossipMerge::Verdict;

// Network 1 with an endpoint of this host; the store knows host B.
class GossipMergeTest : public testing::Test {
 protected:
  GossipMergeTest() {
    overlay_.upsert_network(network(1));
    overlay_.upsert_local(local(1, 10, 3));
    merge_.set_hosts({kVtepB});
    apply();
  }

  static PeerNews news(bool join, unsigned e, const IpAddress& vtep) {
    return {.join = join,
            .vtep = vtep,
            .network_id = hex_id(1, 0),
            .endpoint_id = id(1, e),
            .address = {address(e), 24},
            .mac = mac(1, e)};
  }

  // What the agent does with the orders.
  void carry_out() {
    for (const auto& endpoint : orders_.install) {
      overlay_.upsert_provisional(endpoint);
    }
    for (const auto& [network_id, endpoint_id] : orders_.remove) {
      overlay_.erase_provisional(network_id, endpoint_id);
    }
    apply();
  }

  void apply() {
    model_.apply(overlay_.take_delta());
    EXPECT_EQ(model_.state, overlay_.desired());
  }

  Verdict hear(const PeerNews& what) {
    orders_ = {};
    const auto verdict = merge_.on_news(what, now_, orders_);
    carry_out();
    return verdict;
  }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    orders_ = {};
    merge_.on_time(now_, orders_);
    carry_out();
  }

  void store_says(const Endpoint& endpoint) {
    orders_ = {};
    overlay_.upsert_endpoint(endpoint);
    merge_.on_stored(endpoint.network_id, endpoint.id, orders_);
    carry_out();
  }

  void store_lost(const Endpoint& endpoint) {
    orders_ = {};
    overlay_.erase_endpoint(endpoint.network_id, endpoint.id);
    merge_.on_gone(endpoint.network_id, endpoint.id, orders_);
    carry_out();
  }

  // The VTEP to which frames for the endpoint go.
  std::optional<IpAddress> where(unsigned e) {
    const auto entry = model_.state.fdb.find({vni(1), mac(1, e)});
    const auto neighbour = model_.state.neighbours.find({vni(1), address(e)});
    if (entry == model_.state.fdb.end() || neighbour == model_.state.neighbours.end()) {
      return std::nullopt;
    }
    const auto& peer = model_.state.peers.at(entry->second.vtep_id);
    EXPECT_TRUE(model_.state.members.contains({vni(1), peer.remote}));
    return peer.remote;
  }

  Overlay overlay_{kOwnVtep, "me"};
  GossipMerge merge_{overlay_};
  GossipMerge::Orders orders_;
  GossipMerge::Time now_{};
  Model model_;
};

TEST_F(GossipMergeTest, AJoinIsInForceUntilTheStoreConfirmsIt) {
  EXPECT_EQ(hear(news(true, 20, kVtepB)), Verdict::Installed);
  EXPECT_EQ(where(20), kVtepB);
  pass(20s);
  store_says(remote(1, 20, kVtepB));
  EXPECT_THAT(orders_.remove, ElementsAre(Pair(hex_id(1, 0), id(1, 20))));
  pass(60s);
  EXPECT_EQ(where(20), kVtepB);
  EXPECT_TRUE(merge_.idle());
}

TEST_F(GossipMergeTest, AJoinThatTheStoreNeverConfirmsGoes) {
  hear(news(true, 20, kVtepB));
  pass(29s);
  EXPECT_EQ(where(20), kVtepB);
  pass(1s);
  EXPECT_EQ(where(20), std::nullopt);
  EXPECT_TRUE(merge_.idle());
}

TEST_F(GossipMergeTest, TheClockStandsStillWhileTheStoreCannotBeRead) {
  hear(news(true, 20, kVtepB));
  pass(20s);
  merge_.set_store_readable(false, now_, orders_);
  pass(3600s);
  EXPECT_EQ(hear(news(true, 21, kVtepB)), Verdict::Installed) << "forwarding goes on";
  merge_.set_store_readable(true, now_, orders_);
  pass(9s);
  EXPECT_EQ(where(20), kVtepB);
  pass(1s);
  EXPECT_EQ(where(20), std::nullopt);
  EXPECT_EQ(where(21), kVtepB) << "it has 20 s more";
  pass(20s);
  EXPECT_EQ(where(21), std::nullopt);
}

TEST_F(GossipMergeTest, AHostThatTheStoreDoesNotKnowOnlyCausesARead) {
  EXPECT_EQ(hear(news(true, 20, kVtepC)), Verdict::UnknownVtep);
  EXPECT_TRUE(orders_.read_all);
  EXPECT_EQ(where(20), std::nullopt);
  store_says(remote(1, 30, kVtepC));
  EXPECT_EQ(hear(news(true, 20, kVtepC)), Verdict::Installed) << "an endpoint is stored there";
}

TEST_F(GossipMergeTest, WhatGossipPutInForceVouchesForNobody) {
  hear(news(true, 20, kVtepB));
  merge_.set_hosts({});
  EXPECT_EQ(hear(news(true, 21, kVtepB)), Verdict::UnknownVtep);
  EXPECT_EQ(where(20), kVtepB);
}

TEST_F(GossipMergeTest, AStoredEndpointKeepsItsAddressAndMac) {
  store_says(remote(1, 20, kVtepB));
  auto stranger = news(true, 5, kVtepB);  // of a lower id, which would win else
  stranger.address = {address(20), 24};
  stranger.mac = mac(1, 20);
  merge_.set_hosts({kVtepB, kVtepC});
  stranger.vtep = kVtepC;
  EXPECT_EQ(hear(stranger), Verdict::Installed) << "behind the stored one";
  EXPECT_EQ(where(20), kVtepB);
  store_lost(remote(1, 20, kVtepB));
  EXPECT_EQ(where(20), kVtepC);
}

TEST_F(GossipMergeTest, ALocalEndpointIsNeverTouched) {
  auto stranger = news(true, 66, kVtepB);
  stranger.address = {address(10), 24};
  stranger.mac = mac(1, 10);
  hear(stranger);
  EXPECT_EQ(model_.state.fdb.at({vni(1), mac(1, 10)}).vtep_id, 0U);
  EXPECT_EQ(hear(news(true, 10, kVtepB)), Verdict::NotHere);
  EXPECT_EQ(hear(news(true, 20, kOwnVtep)), Verdict::NotHere) << "an echo of our own";
}

TEST_F(GossipMergeTest, AJoinOfAnEndpointWithoutSandboxActivatesIt) {
  auto made = remote(1, 20, kVtepB);
  made.sandbox.clear();
  store_says(made);
  EXPECT_EQ(where(20), std::nullopt);
  EXPECT_EQ(hear(news(true, 20, kVtepB)), Verdict::Installed);
  EXPECT_EQ(where(20), kVtepB);
  store_says(remote(1, 20, kVtepB));
  EXPECT_EQ(where(20), kVtepB);
  EXPECT_TRUE(merge_.idle());
}

TEST_F(GossipMergeTest, AnotherHostCannotTakeAnEndpointsId) {
  merge_.set_hosts({kVtepB, kVtepC});
  store_says(remote(1, 20, kVtepB));
  EXPECT_EQ(hear(news(true, 20, kVtepC)), Verdict::Contradicts);
  EXPECT_EQ(hear(news(false, 20, kVtepC)), Verdict::Contradicts);
  hear(news(true, 21, kVtepB));
  EXPECT_EQ(hear(news(true, 21, kVtepC)), Verdict::Contradicts);
  hear(news(false, 21, kVtepC));
  EXPECT_EQ(where(20), kVtepB);
  EXPECT_EQ(where(21), kVtepB);
}

TEST_F(GossipMergeTest, ALeaveTakesBackWhatAJoinPutInForce) {
  hear(news(true, 20, kVtepB));
  EXPECT_EQ(hear(news(false, 20, kVtepB)), Verdict::Removed);
  EXPECT_EQ(where(20), std::nullopt);
  EXPECT_EQ(hear(news(false, 20, kVtepB)), Verdict::Known) << "again";
}

// Gossip keeps no order, and what is said again for others is delayed on purpose.
TEST_F(GossipMergeTest, AJoinThatComesBehindItsLeaveIsNotBelieved) {
  hear(news(true, 20, kVtepB));
  hear(news(false, 20, kVtepB));
  pass(9s);
  EXPECT_EQ(hear(news(true, 20, kVtepB)), Verdict::Checked);
  EXPECT_THAT(orders_.read, ElementsAre(Pair(hex_id(1, 0), id(1, 20))));
  EXPECT_THAT(orders_.install, IsEmpty());
  EXPECT_EQ(where(20), std::nullopt);
  EXPECT_EQ(hear(news(true, 21, kVtepB)), Verdict::Installed) << "another one is";

  store_says(remote(1, 20, kVtepB));
  EXPECT_EQ(where(20), kVtepB) << "the store is believed";
  store_lost(remote(1, 20, kVtepB));
  pass(1s);
  EXPECT_EQ(hear(news(true, 20, kVtepB)), Verdict::Installed) << "10 s after the leave";
}

TEST_F(GossipMergeTest, ALeaveOfAStoredEndpointReadsItsKeyForSomeSeconds) {
  store_says(remote(1, 20, kVtepB));
  EXPECT_EQ(hear(news(false, 20, kVtepB)), Verdict::Checked);
  const GossipMerge::Key key{hex_id(1, 0), id(1, 20)};
  EXPECT_THAT(orders_.read, ElementsAre(key));
  EXPECT_EQ(where(20), kVtepB) << "the store has it";
  hear(news(false, 20, kVtepB));
  EXPECT_THAT(orders_.read, IsEmpty()) << "it is being read";
  pass(500ms);
  EXPECT_THAT(orders_.read, ElementsAre(key));
  store_lost(remote(1, 20, kVtepB));
  pass(500ms);
  EXPECT_THAT(orders_.read, IsEmpty());
  EXPECT_TRUE(merge_.idle());

  store_says(remote(1, 21, kVtepB));
  hear(news(false, 21, kVtepB));
  for (int i = 0; i < 10; ++i) {
    pass(500ms);
  }
  EXPECT_TRUE(merge_.idle()) << "whoever said so was wrong";
  EXPECT_EQ(where(21), kVtepB);
}

TEST_F(GossipMergeTest, AnAddressThatMovedToAStoredEndpointIsRead) {
  store_says(remote(1, 20, kVtepB));
  auto moved = news(true, 20, kVtepB);
  moved.address = {address(99), 24};
  EXPECT_EQ(hear(moved), Verdict::Checked);
  EXPECT_EQ(where(99), std::nullopt);
}

TEST_F(GossipMergeTest, WhatIsOfNoUseHereIsLeftOut) {
  auto other = news(true, 20, kVtepB);
  other.network_id = hex_id(2, 0);
  EXPECT_EQ(hear(other), Verdict::NotHere);
  overlay_.upsert_network(network(2));
  EXPECT_EQ(hear(other), Verdict::NotHere) << "no endpoint of this host in it";
  auto outside = news(true, 20, kVtepB);
  outside.address = *IpPrefix::parse("203.0.113.5/24");
  EXPECT_EQ(hear(outside), Verdict::Outside);
}

TEST_F(GossipMergeTest, MemoryIsBounded) {
  GossipMerge small(overlay_, {.most = 2});
  small.set_hosts({kVtepB});
  EXPECT_EQ(small.on_news(news(true, 20, kVtepB), now_, orders_), Verdict::Installed);
  EXPECT_EQ(small.on_news(news(true, 21, kVtepB), now_, orders_), Verdict::Installed);
  EXPECT_EQ(small.on_news(news(true, 22, kVtepB), now_, orders_), Verdict::Full);
  EXPECT_TRUE(orders_.read_all);
  EXPECT_EQ(small.provisional(), 2U);
}

}  // namespace
}  // namespace vtepd
