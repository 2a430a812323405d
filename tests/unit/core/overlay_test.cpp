// SPDX-License-Identifier: GPL-2.0-only
#include "core/overlay.h"

#include "unit/core/overlay_bed.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

using namespace overlay_bed;

TEST(Overlay, ProgramsNothingWithoutALocalEndpoint) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  EXPECT_TRUE(overlay.take_delta().empty());
  EXPECT_EQ(overlay.desired(), ForwardingState{});
}

TEST(Overlay, FirstLocalEndpointOpensItsVni) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  overlay.upsert_local(local(1, 2, 70));

  const auto state = overlay.desired();

  EXPECT_EQ(state.fdb.size(), 2U);
  EXPECT_EQ(state.fdb.at({vni(1), mac(1, 5)}).vtep_id, overlay.peer_id(kVtepB));
  EXPECT_EQ(state.fdb.at({vni(1), mac(1, 2)}).ifindex, IfIndex{70});
  EXPECT_EQ(state.neighbours.at({vni(1), address(5)}), mac(1, 5));
  EXPECT_TRUE(state.members.contains({vni(1), kVtepB}));
  EXPECT_FALSE(state.members.contains({vni(1), kOwnVtep}));
  EXPECT_EQ(state.vnis.at(vni(1)).mtu, 1450U);
  EXPECT_EQ(state.ports.at(IfIndex{70}).address4, address(2));
}

TEST(Overlay, LastLocalEndpointClosesItsVni) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  overlay.upsert_local(local(1, 2, 70));
  Model model;
  model.apply(overlay.take_delta());
  overlay.erase_local(id(1, 2));
  model.apply(overlay.take_delta());
  EXPECT_EQ(model.state, ForwardingState{});
}

TEST(Overlay, SameAddressesInTwoNetworksStayApart) {
  Overlay overlay(kOwnVtep, "me");
  for (const auto n : {1U, 2U}) {
    overlay.upsert_network(network(n));
    overlay.upsert_local(local(n, 2, 70 + n));
    overlay.upsert_endpoint(remote(n, 5, n == 1 ? kVtepB : kVtepC));
  }
  const auto state = overlay.desired();
  EXPECT_EQ(state.peers.at(state.fdb.at({vni(1), mac(1, 5)}).vtep_id).remote, kVtepB);
  EXPECT_EQ(state.peers.at(state.fdb.at({vni(2), mac(2, 5)}).vtep_id).remote, kVtepC);
  EXPECT_FALSE(state.members.contains({vni(1), kVtepC}));
}

TEST(Overlay, ManyEndpointsAtOnceAreAsOneByOne) {
  Overlay together(kOwnVtep, "me");
  Overlay single(kOwnVtep, "me");
  std::vector<PackedEndpoint> packed;
  for (auto* overlay : {&together, &single}) {
    overlay->upsert_network(network(1));
    overlay->upsert_local(local(1, 2, 70));
  }
  for (unsigned e = 3; e < 60; ++e) {
    auto endpoint = remote(1, e, e % 2 == 0 ? kVtepB : kVtepC);
    endpoint.sandbox = e % 7 == 0 ? "" : "sandbox";
    packed.push_back(*PackedEndpoint::pack(endpoint));
    single.upsert_endpoint(endpoint);
  }
  together.expect_endpoints(hex_id(1, 0), packed.size());
  together.upsert_endpoints(hex_id(1, 0), packed);
  EXPECT_EQ(together.endpoint_count(), 57U);
  EXPECT_EQ(together.desired(), single.desired());
}

TEST(Overlay, EndpointBeforeItsNetworkWaitsForIt) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  overlay.upsert_local(local(2, 2, 70));
  overlay.upsert_network(network(2));
  EXPECT_EQ(overlay.desired().fdb.size(), 1U);
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 71));
  EXPECT_EQ(overlay.desired().fdb.size(), 3U);
}

TEST(Overlay, EndpointWithoutSandboxForwardsNothing) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  auto joining = remote(1, 5, kVtepB);
  joining.sandbox.clear();
  overlay.upsert_endpoint(joining);
  EXPECT_EQ(overlay.desired().fdb.size(), 1U);
  EXPECT_TRUE(overlay.desired().members.empty());
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  EXPECT_EQ(overlay.desired().fdb.size(), 2U);
}

TEST(Overlay, LocalEndpointWinsOverTheStore) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  auto moved = remote(1, 2, kVtepB);  // the same endpoint, said to be elsewhere
  overlay.upsert_endpoint(moved);
  const auto state = overlay.desired();
  EXPECT_EQ(state.fdb.at({vni(1), mac(1, 2)}).ifindex, IfIndex{70});
  EXPECT_TRUE(state.members.empty());
}

TEST(Overlay, TwoClaimsOnOneMacAreDecidedTheSameWayInAnyOrder) {
  const auto a = remote(1, 5, kVtepB);
  auto b = remote(1, 6, kVtepC);
  b.mac = a.mac;
  for (const bool a_first : {true, false}) {
    Overlay overlay(kOwnVtep, "me");
    overlay.upsert_network(network(1));
    overlay.upsert_local(local(1, 2, 70));
    overlay.upsert_endpoint(a_first ? a : b);
    overlay.upsert_endpoint(a_first ? b : a);
    EXPECT_EQ(overlay.desired().fdb.at({vni(1), a.mac}).vtep_id, overlay.peer_id(kVtepB));
    EXPECT_EQ(overlay.conflicts(), 1U);
    overlay.erase_endpoint(a.network_id, a.id);
    EXPECT_EQ(overlay.desired().fdb.at({vni(1), b.mac}).vtep_id, overlay.peer_id(kVtepC));
    EXPECT_EQ(overlay.conflicts(), 0U);
  }
}

TEST(Overlay, EndpointOfOursThatWeDoNotHaveIsAnOrphan) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  auto lost = remote(1, 3, kOwnVtep);
  lost.owner = "me";
  auto kept = remote(1, 2, kOwnVtep);
  kept.owner = "me";
  const auto docker = remote(1, 4, kOwnVtep);
  for (const auto& endpoint : {lost, kept, docker}) {
    overlay.upsert_endpoint(endpoint);
  }
  const auto orphans = overlay.orphans();
  ASSERT_EQ(orphans.size(), 1U);
  EXPECT_EQ(orphans.front().id, lost.id);
  EXPECT_EQ(overlay.desired().fdb.size(), 1U) << "nothing is forwarded to what is not here";
}

TEST(Overlay, NetworkThatVanishesKeepsItsLocalEndpointsForwarding) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  overlay.erase_network(network(1).id);
  EXPECT_EQ(overlay.desired().fdb.size(), 2U);
  overlay.erase_local(id(1, 2));
  EXPECT_EQ(overlay.desired(), ForwardingState{});
}

TEST(Overlay, RouteOfAPeerFollows) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  ASSERT_EQ(overlay.unrouted(), std::vector{kVtepB});
  EXPECT_FALSE(overlay.desired().peers.begin()->second.reachable);
  (void)overlay.take_delta();

  overlay.set_route(kVtepB, PeerRoute{kVtepC, IfIndex{3}, 1500});

  EXPECT_TRUE(overlay.unrouted().empty());
  const auto delta = overlay.take_delta();
  ASSERT_EQ(delta.peers_put.size(), 1U);
  EXPECT_TRUE(delta.peers_put.front().second.reachable);
  EXPECT_EQ(delta.peers_put.front().second.next_hop, kVtepC);
  overlay.set_route(kVtepB, PeerRoute{kVtepC, IfIndex{3}, 1500});
  EXPECT_TRUE(overlay.take_delta().empty()) << "the same route again changes nothing";
}

TEST(Overlay, AdoptsPeerIdsOfAnEarlierRun) {
  ForwardingState adopted;
  adopted.peers[17] = {.remote = kVtepB, .local = kOwnVtep, .next_hop = kVtepB, .ifindex = {}};
  Overlay overlay(kOwnVtep, "me");
  overlay.adopt_peer_ids(adopted);
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  overlay.upsert_endpoint(remote(1, 6, kVtepC));
  EXPECT_EQ(overlay.peer_id(kVtepB), 17U);
  EXPECT_EQ(overlay.peer_id(kVtepC), 18U);
}

TEST(Overlay, FailedEntriesComeAgain) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_local(local(1, 2, 70));
  overlay.upsert_endpoint(remote(1, 5, kVtepB));
  const auto first = overlay.take_delta();
  EXPECT_TRUE(overlay.take_delta().empty());
  overlay.mark(first);
  const auto again = overlay.take_delta();
  EXPECT_EQ(again.size(), first.size());
}

TEST(Overlay, FindsNetworksByNameIdAndUniquePrefix) {
  Overlay overlay(kOwnVtep, "me");
  overlay.upsert_network(network(1));
  overlay.upsert_network(network(2));
  EXPECT_NE(overlay.find_network("net1"), nullptr);
  EXPECT_NE(overlay.find_network(network(1).id), nullptr);
  EXPECT_EQ(overlay.find_network(network(1).id.substr(0, 8)), nullptr) << "two begin so";
  EXPECT_EQ(overlay.find_network("nothing"), nullptr);
}

}  // namespace
}  // namespace vtepd
