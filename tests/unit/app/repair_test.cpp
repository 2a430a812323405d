// SPDX-License-Identifier: GPL-2.0-only
// What the agent finds between store, gossip and tables, and what it mends.
#include "registry/gossip_codec.h"
#include "registry/own_codec.h"
#include "unit/app/agent_bed.h"

#include <algorithm>
#include <set>

namespace vtepd {
namespace {

using namespace std::chrono_literals;

const IpAddress kOther = IpAddress::v4(0xc6336402);

class AgentRepair : public testing::Test {
 protected:
  void SetUp() override {
    bed.sync();
    bed.make_network();
    here_ = bed.attach("/run/netns/c1")->endpoint;
    hear_members({});
  }

  void set_live(bool live) {
    const std::string key = "vtepd/v1/nodes/" + kOther.to_string();
    if (live) {
      const Node node{.vtep = kOther, .host = "b", .instance = "default"};
      ASSERT_TRUE(*store.put(key, registry::encode_node(node), 0, nullptr));
    } else {
      ASSERT_TRUE(*store.erase(key, (*store.get(key))->index));
    }
    bed.sync();
  }

  Endpoint attach_there() {
    Registry other(store, Registry::Options{.prefix = "",
                                            .vtep = kOther,
                                            .owner = "default@198.51.100.2",
                                            .make_id = {},
                                            .timestamp = {}});
    const auto made = other.create_endpoint(*other.find_network("blue"), {.name = "there"});
    const auto active = other.activate_endpoint(*made, std::string(64, 'a'), "vtep1");
    EXPECT_TRUE(active);
    bed.sync();
    return *active;
  }

  std::multiset<std::string> kinds() {
    const auto rows =
        bed.ask<std::vector<DifferenceView>>([&](auto reply) { bed.agent->differences(reply); });
    EXPECT_TRUE(rows) << rows.error().what;
    std::multiset<std::string> kinds;
    for (const auto& row : rows ? *rows : std::vector<DifferenceView>()) {
      kinds.insert(row.kind);
    }
    return kinds;
  }

  Result<RepairReply> repair(const RepairRequest& request = {}) {
    auto reply = bed.ask<RepairReply>([&](auto answer) { bed.agent->repair(request, answer); });
    bed.sync();
    return reply;
  }

  // Besides this host.
  void hear_members(const std::vector<GossipMember>& members) {
    bed.gossip.known_members = members;
    bed.gossip.known_members.push_back({"a", Bed::kVtep, 7946, "alive"});
    GossipNotice notice;
    notice.kind = GossipNotice::Kind::MemberUpdate;
    bed.gossip.say(notice);
    bed.run_until([] { return false; }, 20ms);
  }

  using Kinds = std::multiset<std::string>;
  MemoryStore store;
  Bed bed{store, "a", true};
  EndpointView here_;
};

TEST_F(AgentRepair, NothingIsFoundAndNothingDoneWhereAllIsWell) {
  set_live(true);
  attach_there();
  EXPECT_EQ(kinds(), Kinds{});
  const auto before = store.pairs();
  const auto done = repair({.leaked = true});
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(done->actions.empty());
  EXPECT_EQ(store.pairs().size(), before.size());
}

TEST_F(AgentRepair, AHostThatIsGoneIsShownAndRemovedByName) {
  set_live(true);
  const auto there = attach_there();
  const auto alive = repair({.host = kOther});
  ASSERT_FALSE(alive);
  EXPECT_EQ(alive.error().kind, ErrorKind::Conflict) << alive.error().what;
  EXPECT_FALSE(repair({.host = Bed::kVtep})) << "this host";

  set_live(false);
  const auto rows = *bed.endpoints();
  EXPECT_EQ(
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !row.stale.empty(); }),
      1);
  const auto stale =
      bed.ask<std::vector<EndpointView>>([&](auto reply) { bed.agent->stale_endpoints(reply); });
  ASSERT_TRUE(stale && stale->size() == 1);
  EXPECT_EQ(stale->front().id, there.id);
  EXPECT_EQ(kinds(), Kinds{"host-gone"});
  EXPECT_TRUE(repair()->actions.empty());
  EXPECT_EQ(repair({.dry_run = true, .host = kOther})->actions.front().state, "planned");
  EXPECT_EQ(bed.stored().first, 2U);

  const auto done = repair({.host = kOther});
  ASSERT_TRUE(done && done->actions.size() == 1) << done.error().what;
  EXPECT_EQ(done->actions.front().state, "done") << done->actions.front().error;
  EXPECT_EQ(bed.stored(), std::pair(std::size_t{1}, std::string("{\"Count\":1}")));
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_F(AgentRepair, ALiveMemberOfGossipLivesAndAnOutageTellsNothing) {
  attach_there();
  hear_members({{"b", kOther, 7946, "alive"}});
  EXPECT_EQ(kinds(), Kinds{});
  EXPECT_EQ(repair({.host = kOther}).error().kind, ErrorKind::Conflict);
  hear_members({{"b", kOther, 7946, "failed"}});
  EXPECT_EQ(kinds(), Kinds{"host-gone"});
  bed.gossip.set_outage("frozen");
  bed.run_until([] { return false; }, 20ms);
  const auto unclear = repair({.host = kOther});
  ASSERT_FALSE(unclear);
  EXPECT_EQ(unclear.error().kind, ErrorKind::Unavailable) << unclear.error().what;
  EXPECT_EQ(bed.stored().first, 2U);
}

TEST_F(AgentRepair, AHostMayComeBackForAWhile) {
  attach_there();
  bed.stop();
  bed.host_return = 3600;
  bed.start();
  bed.sync();
  hear_members({});
  const auto early = repair({.host = kOther});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().kind, ErrorKind::Unavailable);
  EXPECT_NE(early.error().what.find("try again in"), std::string::npos) << early.error().what;
  EXPECT_EQ(repair({.dry_run = true, .host = kOther})->actions.size(), 1U);
}

TEST_F(AgentRepair, TablesAreComparedAndMended) {
  bed.dataplane.state.vnis.begin()->second.mtu = 99;
  bed.dataplane.state.neighbours[{Vni{256}, *IpAddress::parse("192.0.2.99")}] = here_.mac;
  EXPECT_EQ(kinds(), (Kinds{"table-extra", "table-other"}));
  const auto planned = repair({.dry_run = true});
  EXPECT_EQ(planned->actions.size(), 2U);
  EXPECT_EQ(kinds().size(), 2U);
  const auto done = repair();
  ASSERT_TRUE(done && done->actions.size() == 2);
  EXPECT_EQ(done->actions.front().state, "done");
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_F(AgentRepair, AnEndpointOfThisHostThatTheStoreLostIsNamed) {
  const auto endpoint =
      *store.get("docker/network/v1.0/endpoint/" + here_.network_id + "/" + here_.id + "/");
  ASSERT_TRUE(*store.erase(endpoint->key, endpoint->index));
  const auto found = kinds();
  EXPECT_EQ(found.count("not-in-store"), 1U);
}

TEST_F(AgentRepair, AnEndpointThatOnlyGossipKnowsIsNamed) {
  ASSERT_TRUE(*store.put("docker/nodes/198.51.100.2:2376", "198.51.100.2:2376", 0, nullptr));
  bed.sync();
  const auto ip = *IpAddress::parse("192.0.2.77");
  const PeerEvent event{.join = true,
                        .vtep = kOther,
                        .network = *ObjectId::parse(here_.network_id),
                        .endpoint = *ObjectId::parse(std::string(64, 'd')),
                        .address = {ip, 24},
                        .mac = docker_mac(ip)};
  hear_members({{"docker", kOther, 7946, "alive"}});
  bed.gossip.say_event(event.name(), event.payload());
  ASSERT_TRUE(bed.run_until([&] { return bed.agent->status().gossip_provisional == 1; }));
  EXPECT_EQ(kinds(), Kinds{"gossip-only"});
}

TEST_F(AgentRepair, WithoutTheStoreNothingIsToldOrDone) {
  store.set_away(true);
  bed.agent->on_store_events({store_event::Outage{"no answer"}});
  const auto rows =
      bed.ask<std::vector<DifferenceView>>([&](auto reply) { bed.agent->differences(reply); });
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::Unavailable);
  EXPECT_NE(rows.error().what.find("away for"), std::string::npos) << rows.error().what;
  EXPECT_EQ(repair().error().kind, ErrorKind::Unavailable);
}

}  // namespace
}  // namespace vtepd
