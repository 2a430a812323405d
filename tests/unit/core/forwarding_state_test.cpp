// SPDX-License-Identifier: GPL-2.0-only
#include "core/forwarding_state.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

const MacAddress kMac{{2, 0, 0, 0, 0, 1}};
const IpAddress kAddress = IpAddress::v4(0xc0000201);

ForwardingState sample() {
  ForwardingState state;
  state.fdb[{Vni{42}, kMac}] = {.vtep_id = 1, .ifindex = {}};
  state.neighbours[{Vni{42}, kAddress}] = kMac;
  state.peers[1] = {.remote = kAddress, .local = {}, .next_hop = {}, .ifindex = {}, .mtu = 1500};
  state.vnis[Vni{42}] = {.mtu = 1450};
  state.members.insert({Vni{42}, kAddress});
  state.ports[IfIndex{7}] = {.vni = Vni{42}, .mac = kMac};
  return state;
}

TEST(Diff, OfEqualStatesIsEmpty) {
  EXPECT_TRUE(diff(sample(), sample()).empty());
}

TEST(Diff, FromNothingPutsEverything) {
  const auto delta = diff({}, sample());
  EXPECT_EQ(delta.size(), 6U);
  EXPECT_EQ(delta.fdb_put.size(), 1U);
  EXPECT_EQ(delta.members_put.size(), 1U);
  EXPECT_TRUE(delta.fdb_remove.empty());
}

TEST(Diff, ToNothingRemovesEverything) {
  const auto delta = diff(sample(), {});
  EXPECT_EQ(delta.size(), 6U);
  EXPECT_EQ(delta.ports_remove.size(), 1U);
  EXPECT_EQ(delta.vnis_remove.size(), 1U);
  EXPECT_TRUE(delta.ports_put.empty());
}

TEST(Diff, ChangedValueIsPutAndNotRemoved) {
  auto want = sample();
  want.fdb.begin()->second.vtep_id = 2;
  want.peers[1].mtu = 1400;
  const auto delta = diff(sample(), want);
  EXPECT_EQ(delta.size(), 2U);
  ASSERT_EQ(delta.fdb_put.size(), 1U);
  EXPECT_EQ(delta.fdb_put.front().second.vtep_id, 2U);
  ASSERT_EQ(delta.peers_put.size(), 1U);
  EXPECT_EQ(delta.peers_put.front().second.mtu, 1400U);
}

}  // namespace
}  // namespace vtepd
