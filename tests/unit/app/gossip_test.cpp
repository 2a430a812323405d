// SPDX-License-Identifier: GPL-2.0-only
// What the agent says into the gossip cluster, and what it makes of what it hears.
#include "registry/gossip_codec.h"
#include "unit/app/agent_bed.h"
#include "vtepd/reasons.h"

#include <gmock/gmock.h>

namespace vtepd {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

const IpAddress kDocker = IpAddress::v4(0xc6336409);

class AgentGossip : public testing::Test {
 protected:
  void SetUp() override {
    bed.sync();
    bed.make_network();
    docker_runs_on("198.51.100.9:2376");
    bed.sync();
  }

  void docker_runs_on(const std::string& host) {
    ASSERT_TRUE(store.put("docker/nodes/" + host, host, 0, nullptr));
  }

  // Everything said so far as "join|leave ADDRESS MAC".
  std::vector<std::string> said() {
    bed.run_until([] { return false; }, 20ms);
    std::vector<std::string> lines;
    for (const auto& sent : std::exchange(bed.gossip.events, {})) {
      if (LookupLeave::is_name(sent.name)) {
        corrected.push_back(sent.name.substr(0, sent.name.rfind(' ') - 65) + " " + sent.payload);
        continue;
      }
      const auto event = PeerEvent::parse(sent.name, sent.payload);
      EXPECT_TRUE(event) << sent.name << " " << sent.payload;
      lines.push_back((event->join ? "join " : "leave ") + event->address.address.to_string() +
                      " " + event->mac.to_string());
    }
    return lines;
  }

  static std::string join_of(const EndpointView& endpoint) {
    return "join " + endpoint.address4->address.to_string() + " " + endpoint.mac.to_string();
  }

  PeerEvent docker_event(bool join, const std::string& address) {
    const auto id = std::string(62, 'd') + address.substr(address.size() - 2);
    const auto ip = *IpAddress::parse(address);
    return {.join = join,
            .vtep = kDocker,
            .network = *ObjectId::parse(bed.endpoints()->front().network_id),
            .endpoint = *ObjectId::parse(id),
            .address = {ip, 24},
            .mac = docker_mac(ip)};
  }

  void hear(const PeerEvent& event) {
    bed.gossip.say_event(event.name(), event.payload());
    bed.run_until([] { return false; }, 20ms);
  }

  bool forwards_to(const std::string& address) {
    const auto ip = *IpAddress::parse(address);
    for (const auto& [key, entry] : bed.dataplane.state.fdb) {
      if (key.mac == docker_mac(ip)) {
        return true;
      }
    }
    return false;
  }

  std::vector<std::string> corrected;  // leaves for dockerds' lookups among it: VTEP and payload
  MemoryStore store;
  Bed bed{store, "a", true};
};

TEST_F(AgentGossip, AttachJoinsAndDetachLeaves) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached) << attached.error().what;
  EXPECT_THAT(said(), ElementsAre(join_of(attached->endpoint)));
  ASSERT_TRUE(bed.detach(attached->endpoint.name));
  const auto left = said();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.front().substr(0, 6), "leave ");
}

TEST_F(AgentGossip, AllIsSaidAgainToNewNodesAndAfterAnOutage) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  said();
  bed.gossip.set_outage("frozen");
  ASSERT_TRUE(bed.run_until([&] { return !bed.agent->status().gossip_ok; }));
  EXPECT_EQ(bed.agent->status().gossip_problem, "frozen");
  EXPECT_EQ(bed.agent->status().health, Health::Degraded);
  const auto second = bed.attach("/run/netns/c2");
  ASSERT_TRUE(second) << "gossip is not needed for it";
  bed.gossip.set_outage("");
  EXPECT_THAT(said(), testing::UnorderedElementsAre(join_of(attached->endpoint),
                                                    join_of(second->endpoint)));
  EXPECT_TRUE(bed.agent->status().gossip_ok);

  GossipNotice joined;
  joined.kind = GossipNotice::Kind::MemberJoin;
  bed.gossip.say(joined);
  EXPECT_TRUE(bed.run_until([&] { return bed.gossip.events.size() >= 2; }));
}

TEST_F(AgentGossip, WhatWentDuringAnOutageIsTakenBackAfterIt) {
  const auto first = bed.attach("/run/netns/c1");
  const auto second = bed.attach("/run/netns/c2");
  ASSERT_TRUE(first && second);
  said();
  bed.gossip.set_outage("frozen");
  ASSERT_TRUE(bed.detach(first->endpoint.name));
  EXPECT_THAT(said(), ElementsAre());
  bed.gossip.set_outage("");
  EXPECT_THAT(said(),
              ElementsAre("leave" + join_of(first->endpoint).substr(4), join_of(second->endpoint)));
  bed.gossip.set_outage("frozen");
  bed.gossip.set_outage("");
  EXPECT_THAT(said(), ElementsAre(join_of(second->endpoint))) << "once";
}

TEST_F(AgentGossip, WhatWentWhileNoDaemonRanIsTakenBack) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  said();
  bed.stop();
  bed.links.links.clear();
  bed.start();
  EXPECT_THAT(said(), Contains("leave" + join_of(attached->endpoint).substr(4)));
}

TEST_F(AgentGossip, HostsOfTheStoreAreContactedUnlessTheyAreThere) {
  EXPECT_TRUE(bed.run_until([&] { return !bed.gossip.joined.empty(); }));
  EXPECT_THAT(bed.gossip.joined, Contains("198.51.100.9:7946"));
  EXPECT_THAT(bed.gossip.joined, Not(Contains("198.51.100.1:7946"))) << "our own";
  bed.gossip.joined.clear();
  bed.gossip.known_members = {{"docker1", kDocker, 7946, "alive"}};
  docker_runs_on("198.51.100.10:2376");
  bed.sync();
  EXPECT_TRUE(bed.run_until([&] { return !bed.gossip.joined.empty(); }));
  EXPECT_THAT(bed.gossip.joined, ElementsAre("198.51.100.10:7946"));
}

TEST_F(AgentGossip, AJoinForwardsAndALeaveStopsIt) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  hear(docker_event(true, "192.0.2.77"));
  EXPECT_TRUE(forwards_to("192.0.2.77"));
  EXPECT_EQ(bed.agent->status().gossip_provisional, 1U);
  hear(docker_event(false, "192.0.2.77"));
  EXPECT_FALSE(forwards_to("192.0.2.77"));
  bed.gossip.say_event("jl nonsense", "join");
  EXPECT_TRUE(bed.run_until([&] { return bed.agent->status().gossip_malformed == 1; }));
}

TEST_F(AgentGossip, AStrangerChangesNothing) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  const auto before = bed.dataplane.state;
  auto stranger = docker_event(true, "192.0.2.77");
  stranger.vtep = IpAddress::v4(0xc63364fe);
  hear(stranger);
  EXPECT_EQ(bed.dataplane.state, before) << "a VTEP that the store does not know";
  auto thief = docker_event(true, attached->endpoint.address4->address.to_string());
  thief.mac = attached->endpoint.mac;
  hear(thief);
  EXPECT_EQ(bed.dataplane.state.fdb, before.fdb) << "an address of ours";
  hear(docker_event(true, "192.0.2.78"));
  EXPECT_TRUE(forwards_to("192.0.2.78")) << "the twin";
}

TEST_F(AgentGossip, QuestionsAreAnsweredForOurOwnOnly) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  hear(docker_event(true, "192.0.2.77"));
  const auto ask = [&](const IpAddress& address) {
    const PeerLookup lookup{.network = *ObjectId::parse(attached->endpoint.network_id),
                            .address = address};
    const auto id = bed.gossip.say_query("peerlookup", lookup.payload());
    bed.run_until([] { return false; }, 20ms);
    return bed.gossip.responses.contains(id.id) ? bed.gossip.responses.at(id.id) : "silence";
  };
  EXPECT_EQ(ask(attached->endpoint.address4->address),
            attached->endpoint.mac.to_string() + " 255.255.255.0 198.51.100.1");
  EXPECT_EQ(ask(*IpAddress::parse("192.0.2.77")), "silence");
  EXPECT_EQ(ask(*IpAddress::parse("192.0.2.99")), "silence");
}

TEST_F(AgentGossip, AMissIsAskedOnceAndItsAnswerForwards) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  bed.gossip.queries.clear();  // about the address that it got
  const auto address = *IpAddress::parse("192.0.2.80");
  const PeerLookup lookup{.network = *ObjectId::parse(attached->endpoint.network_id),
                          .address = address};
  bed.gossip.answers[lookup.payload()] = {
      {"docker1", docker_mac(address).to_string() + " 255.255.255.0 198.51.100.9"},
      {"docker2", "02:42:00:00:00:00 255.255.255.0 <nil>"}};
  const DataplaneEvent miss{.reason = VTEP_ARP_UNKNOWN,
                            .vni = attached->endpoint.vni,
                            .ifindex = {},
                            .mac = attached->endpoint.mac,
                            .address = address};
  bed.agent->on_dataplane_event(miss);
  bed.agent->on_dataplane_event(miss);
  EXPECT_TRUE(bed.run_until([&] { return forwards_to("192.0.2.80"); }));
  EXPECT_EQ(bed.gossip.queries.size(), 1U);
  auto outside = miss;
  outside.address = *IpAddress::parse("203.0.113.1");
  bed.agent->on_dataplane_event(outside);
  EXPECT_EQ(bed.gossip.queries.size(), 1U);
}

TEST_F(AgentGossip, AnAddressThatMovesHereIsTakenBackFirst) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  hear(docker_event(true, "192.0.2.77"));
  said();
  const auto moved = bed.ask<EndpointView>([&](auto reply) {
    bed.agent->add_address({.endpoint = attached->endpoint.name,
                            .address = *IpAddress::parse("192.0.2.77"),
                            .mac = {}},
                           reply);
  });
  ASSERT_TRUE(moved) << moved.error().what;
  EXPECT_THAT(said(), ElementsAre("leave 192.0.2.77 02:42:c0:00:02:4d",
                                  "join 192.0.2.77 " + attached->endpoint.mac.to_string()));
  EXPECT_TRUE(bed.run_until([&] { return bed.gossip.events.size() >= 2; })) << "once more, later";
  said();
  const auto back = bed.ask<EndpointView>([&](auto reply) {
    bed.agent->remove_address({.endpoint = attached->endpoint.name,
                               .address = *IpAddress::parse("192.0.2.77"),
                               .mac = {}},
                              reply);
  });
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_THAT(said(), ElementsAre("leave 192.0.2.77 " + attached->endpoint.mac.to_string()));
}

// An endpoint as dockerd writes it, and one of a vtepd host, which tells its endpoints itself.
TEST_F(AgentGossip, OnlyContainersAreToldOfAnAddressThatMoves) {
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  bed.docker_writes('a', "198.51.100.9", "192.0.2.77");
  bed.docker_writes('b', "198.51.100.10", "192.0.2.78");
  ASSERT_TRUE(store.put("vtepd/v1/nodes/198.51.100.10",
                        R"({"host":"h","instance":"i","vtep":"198.51.100.10"})", 0, nullptr));
  bed.sync();

  const auto moved = bed.ask<EndpointView>([&](auto reply) {
    bed.agent->add_address({.endpoint = attached->endpoint.name,
                            .address = *IpAddress::parse("192.0.2.100"),
                            .mac = {}},
                           reply);
  });

  ASSERT_TRUE(moved) << moved.error().what;
  ASSERT_EQ(bed.links.announced_remotely.size(), 1U);
  const auto& told = bed.links.announced_remotely.front();
  ASSERT_EQ(told.receivers.size(), 1U);
  EXPECT_EQ(told.receivers.front().vtep, kDocker);
  EXPECT_EQ(told.receivers.front().mac, docker_mac(*IpAddress::parse("192.0.2.77")));
  EXPECT_EQ(told.mac, attached->endpoint.mac);
  EXPECT_EQ(told.address.to_string(), "192.0.2.100");
  EXPECT_EQ(told.vni, attached->endpoint.vni);
}

// By its own words a dockerd thinks that another host has the address, or another MAC.
TEST_F(AgentGossip, WhoHasAnOldAnswerForAnAddressIsTold) {
  const auto first = bed.attach("/run/netns/c1");
  ASSERT_TRUE(first);
  said();
  EXPECT_THAT(corrected, testing::IsEmpty());
  const auto address = *IpAddress::parse("192.0.2.77");
  const auto mac = docker_mac(address).to_string();
  const PeerLookup lookup{.network = *ObjectId::parse(first->endpoint.network_id),
                          .address = address};
  bed.gossip.answers[lookup.payload()] = {{"docker1", mac + " 255.255.255.0 198.51.100.9"},
                                          {"docker2", mac + " 255.255.255.0 198.51.100.9"},
                                          {"docker3", mac + " 255.255.255.0 198.51.100.1"},
                                          {"docker4", mac + " 255.255.255.0 <nil>"}};

  const auto second = bed.attach("/run/netns/c2", "192.0.2.77");
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_THAT(said(), ElementsAre("join 192.0.2.77 " + mac));
  EXPECT_THAT(corrected,
              ElementsAre("jl ::ffff:198.51.100.9 leave 192.0.2.77 255.255.255.0 " + mac));
}

// As the store had it, whether anybody answers or not.
TEST_F(AgentGossip, TheEarlierHolderOfAnAddressIsCorrected) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  const auto key = bed.docker_writes('a', "198.51.100.9", "192.0.2.77");
  ASSERT_TRUE(store.erase(key, store.get(key)->value().index));
  bed.sync();
  said();
  EXPECT_THAT(corrected, testing::IsEmpty());

  ASSERT_TRUE(bed.attach("/run/netns/c2", "192.0.2.77"));
  said();
  EXPECT_THAT(corrected, ElementsAre("jl ::ffff:198.51.100.9 leave 192.0.2.77 255.255.255.0 "
                                     "02:42:c0:00:02:4d"));
}

TEST_F(AgentGossip, ALeaveIsForWhatDockerLookedUpAsWell) {
  const auto attached = bed.attach("/run/netns/c1", "192.0.2.77");
  ASSERT_TRUE(attached);
  said();
  ASSERT_TRUE(bed.detach(attached->endpoint.name));
  const std::string payload = "192.0.2.77 255.255.255.0 02:42:c0:00:02:4d";
  EXPECT_THAT(said(), ElementsAre("leave 192.0.2.77 02:42:c0:00:02:4d"));
  EXPECT_THAT(corrected, ElementsAre("jl ::ffff:198.51.100.1 leave " + payload));
  bed.gossip.say_event("jl ::ffff:198.51.100.9 " + attached->endpoint.network_id + " dummy",
                       "leave " + payload);
  EXPECT_TRUE(bed.attach("/run/netns/c2"));
  EXPECT_EQ(bed.agent->status().gossip_malformed, 0U);
}

TEST_F(AgentGossip, WithoutDockerNobodyIsAskedOrCorrected) {
  const std::string key = "docker/nodes/198.51.100.9:2376";
  ASSERT_TRUE(store.erase(key, store.get(key)->value().index));
  bed.sync();
  const auto attached = bed.attach("/run/netns/c1");
  ASSERT_TRUE(attached);
  ASSERT_TRUE(bed.detach(attached->endpoint.name));
  EXPECT_THAT(said(), testing::SizeIs(2));
  EXPECT_THAT(corrected, testing::IsEmpty());
  EXPECT_THAT(bed.gossip.queries, testing::IsEmpty());
}

TEST_F(AgentGossip, DockersHostsLearnOfThisOne) {
  EXPECT_TRUE(
      bed.run_until([&] { return store.pairs().contains("docker/nodes/198.51.100.1:7946"); }));
}

}  // namespace
}  // namespace vtepd
