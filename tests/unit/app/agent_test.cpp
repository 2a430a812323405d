// SPDX-License-Identifier: GPL-2.0-only
// Whole scenarios of the agent over fakes of the kernel and a store in memory; registry, decoder,
// core and state file are the real ones.
#include "unit/app/agent_bed.h"

namespace vtepd {
namespace {

using namespace std::chrono_literals;

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bed.sync();
    bed.make_network();
  }

  void expect_nothing_left() {
    EXPECT_TRUE(bed.dataplane.state.ports.empty());
    EXPECT_TRUE(bed.dataplane.state.fdb.empty());
    EXPECT_TRUE(bed.dataplane.ports.empty());
    EXPECT_TRUE(bed.links.links.empty());
    EXPECT_EQ(bed.stored(), (std::pair<std::size_t, std::string>{0, R"({"Count":0})"}));
    EXPECT_TRUE(bed.state.load()->endpoints.empty());
    EXPECT_TRUE(bed.state.load_pending()->empty());
  }

  MemoryStore store;
  Bed bed{store};
};

TEST_F(AgentTest, AttachReachesEveryPart) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached) << attached.error().what;
  const auto& endpoint = attached->endpoint;
  EXPECT_FALSE(attached->existed);
  EXPECT_EQ(endpoint.mac, docker_mac(endpoint.address4->address));
  EXPECT_EQ(endpoint.host_ifname, "vtep" + endpoint.id.substr(0, 8));
  EXPECT_TRUE(bed.links.up.contains(endpoint.host_ifname));
  EXPECT_TRUE(bed.dataplane.ports.contains(endpoint.host_ifname));
  EXPECT_TRUE(bed.dataplane.state.fdb.contains({endpoint.vni, endpoint.mac}));
  EXPECT_TRUE(bed.dataplane.state.neighbours.contains({endpoint.vni, endpoint.address4->address}));
  EXPECT_EQ(bed.stored(), (std::pair<std::size_t, std::string>{1, R"({"Count":1})"}));
  EXPECT_EQ(bed.state.load()->endpoints.size(), 1U);
}

TEST_F(AgentTest, SameAttachAgainPrintsTheExistingOne) {
  const auto first = bed.attach("/run/netns/c1", "192.0.2.9");
  const auto again = bed.attach("/run/netns/c1", "192.0.2.9");
  ASSERT_TRUE(first && again);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->endpoint.id, first->endpoint.id);
  EXPECT_EQ(bed.stored().first, 1U);
}

TEST_F(AgentTest, DifferentAttachNamesTheDifference) {
  ASSERT_TRUE(bed.attach("/run/netns/c1", "192.0.2.9"));
  const auto other = bed.attach("/run/netns/c1", "192.0.2.10");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::Conflict);
  EXPECT_NE(other.error().what.find("192.0.2.9"), std::string::npos) << other.error().what;
  EXPECT_NE(other.error().what.find("192.0.2.10"), std::string::npos) << other.error().what;
}

TEST_F(AgentTest, FailureOfAnyStepLeavesNothing) {
  bed.links.fail_create = Error{ErrorKind::Conflict, "eth0 is taken"};
  EXPECT_FALSE(bed.attach("/run/netns/c1"));
  expect_nothing_left();
  bed.links.fail_create.reset();

  bed.links.fail_bring_up = Error{ErrorKind::Internal, "no"};
  EXPECT_FALSE(bed.attach("/run/netns/c1"));
  expect_nothing_left();
  bed.links.fail_bring_up.reset();

  bed.dataplane.refuse_ports = true;
  const auto full = bed.attach("/run/netns/c1");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().what, "vtep_ports is full");
  bed.dataplane.refuse_ports = false;
  EXPECT_TRUE(bed.run_until([&] { return bed.dataplane.state.ports.empty(); }));
  expect_nothing_left();

  EXPECT_TRUE(bed.attach("/run/netns/c1")) << "and it works when nothing fails";
}

TEST_F(AgentTest, TooSmallAnUnderlayIsRefusedWithBothNumbers) {
  bed.underlay.device_.mtu = 1499;
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_FALSE(attached);
  EXPECT_NE(attached.error().what.find("1500"), std::string::npos) << attached.error().what;
  EXPECT_NE(attached.error().what.find("1499"), std::string::npos) << attached.error().what;
  bed.underlay.device_.mtu = 1500;
  EXPECT_TRUE(bed.attach("/run/netns/c1"));
}

TEST_F(AgentTest, StoreAwayRefusesAttachAndRemembersDetach) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  store.set_away(true);
  const auto refused = bed.attach("/run/netns/c2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Unavailable);

  const auto detached = bed.detach(attached->endpoint.name);
  ASSERT_TRUE(detached) << detached.error().what;
  EXPECT_EQ(detached->state, "withdrawing");
  EXPECT_TRUE(bed.links.links.empty());
  EXPECT_EQ(bed.state.load_pending()->size(), 1U);

  store.set_away(false);
  EXPECT_TRUE(bed.run_until([&] { return bed.stored().first == 0; }));
  EXPECT_TRUE(bed.run_until([&] { return bed.state.load_pending()->empty(); }));
  expect_nothing_left();
}

TEST_F(AgentTest, PendingWithdrawalSurvivesARestart) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  store.set_away(true);
  ASSERT_TRUE(bed.detach(attached->endpoint.name));
  bed.stop();
  store.set_away(false);
  bed.start();
  bed.sync();
  EXPECT_TRUE(bed.run_until([&] { return bed.stored().first == 0; }));
}

TEST_F(AgentTest, RestartKeepsEndpointsAndTables) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  const auto before = bed.dataplane.state;
  bed.stop();
  bed.dataplane.applied = 0;
  bed.start();
  bed.sync();
  EXPECT_EQ(bed.dataplane.state, before);
  EXPECT_EQ(bed.dataplane.applied, 0U) << "what is right is not written again";
  EXPECT_EQ(bed.endpoints()->size(), 1U);
}

TEST_F(AgentTest, StartSeesToTheHostEndsAndDoesWithoutWhatTheyLack) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  bed.stop();
  bed.links.verify_answer = fail(ErrorKind::Unavailable, "no bridges");
  bed.start();
  ASSERT_EQ(bed.links.verified.size(), 1U);
  EXPECT_EQ(bed.links.verified.front().name, attached->endpoint.host_ifname);
  EXPECT_EQ(bed.agent->status().headroom, "fake");
  EXPECT_TRUE(bed.attach("/run/netns/c2"));
}

TEST_F(AgentTest, InterfaceGoneWhileDownIsWithdrawn) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  bed.stop();
  bed.links.links.clear();
  bed.start();
  bed.sync();
  EXPECT_TRUE(bed.run_until([&] { return bed.stored().first == 0; }));
  EXPECT_TRUE(bed.dataplane.state.fdb.empty());
}

TEST_F(AgentTest, VanishedNamespaceIsWithdrawnAndItsAddressFreeAtOnce) {
  const auto first = bed.attach("/run/netns/c1", "192.0.2.9");
  ASSERT_TRUE(first);
  bed.links.namespaces["/run/netns/c1"] = 999;  // deleted and made anew under the same name
  bed.links.links.clear();
  const auto second = bed.attach("/run/netns/c1", "192.0.2.9");
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_NE(second->endpoint.id, first->endpoint.id);
  EXPECT_EQ(bed.stored().first, 1U);

  bed.links.links.clear();
  bed.underlay.on_change({second->endpoint.host_ifname});
  EXPECT_TRUE(bed.run_until([&] { return bed.stored().first == 0; }));
}

TEST_F(AgentTest, OutageRemovesNothing) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  const auto before = bed.dataplane.state;
  bed.agent->on_store_events(bed.decoder->decode({KvEvent::Kind::Outage, {}, "unmounted"}));
  EXPECT_EQ(bed.dataplane.state, before);
  EXPECT_EQ(bed.agent->status().health, Health::Degraded);
  EXPECT_FALSE(bed.agent->status().store_ok);
  bed.agent->on_store_events(bed.decoder->decode({KvEvent::Kind::Recovered, {}, ""}));
  EXPECT_EQ(bed.agent->status().health, Health::Well);
}

TEST_F(AgentTest, EndpointOfOursWithoutAHostIsWithdrawnAtStart) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  bed.stop();
  bed.state.remove_all();
  bed.links.links.clear();
  bed.start();
  bed.sync();
  EXPECT_TRUE(bed.run_until([&] { return bed.stored().first == 0; }));
}

TEST_F(AgentTest, SameNetworkAgainIsTheSameAndAnotherIsAConflict) {
  NetworkSpec spec{.name = "blue", .subnets = {*IpPrefix::parse("192.0.2.0/24")}, .vni = {}};
  const auto same =
      bed.ask<NetworkView>([&](auto reply) { bed.agent->create_network(spec, reply); });
  ASSERT_TRUE(same) << same.error().what;
  spec.subnets = {*IpPrefix::parse("198.51.100.0/24")};
  const auto other =
      bed.ask<NetworkView>([&](auto reply) { bed.agent->create_network(spec, reply); });
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::Conflict);
}

TEST_F(AgentTest, AnotherUserOfItsNetworkOnThisHostIsNamed) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  bed.docker_writes('a', "198.51.100.9", "192.0.2.77");
  EXPECT_EQ(bed.agent->status().problems, std::vector<std::string>()) << "on another host";
  const auto key = bed.docker_writes('b', "198.51.100.1", "192.0.2.78");

  ASSERT_EQ(bed.agent->status().problems.size(), 1U);
  EXPECT_NE(bed.agent->status().problems.front().find("endpoint 'x'"), std::string::npos);
  EXPECT_EQ(bed.agent->status().health, Health::Degraded);
  const auto refused = bed.attach("/run/netns/c2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Conflict);
  EXPECT_NE(refused.error().what.find("endpoint 'x'"), std::string::npos) << refused.error().what;

  ASSERT_TRUE(store.erase(key, store.get(key)->value().index));
  bed.sync();
  EXPECT_TRUE(bed.agent->status().problems.empty());
  EXPECT_TRUE(bed.attach("/run/netns/c2"));
}

}  // namespace
}  // namespace vtepd
