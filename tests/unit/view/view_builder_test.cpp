// SPDX-License-Identifier: GPL-2.0-only
#include "view/view_builder.h"

#include "vtepd/reasons.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

const Vni kVni{42};
const MacAddress kMac{{2, 0, 0, 0, 0, 1}};
const IpAddress kRemote = IpAddress::v4(0xc6336402);

ForwardingState sample() {
  ForwardingState state;
  state.fdb[{kVni, kMac}] = {.vtep_id = 1, .ifindex = {}};
  state.fdb[{kVni, MacAddress{{2, 0, 0, 0, 0, 2}}}] = {.vtep_id = 0, .ifindex = {7}};
  state.peers[1] = {.remote = kRemote, .local = {}, .next_hop = kRemote, .ifindex = {3}};
  return state;
}

ViewNames names() {
  ViewNames names;
  names.networks[kVni] = "blue";
  names.endpoint_ends[{IfIndex{7}, false}] = "vtepaaaaaaaa";
  names.devices[IfIndex{3}] = "eth0";
  return names;
}

TEST(Views, FdbRowsNameVtepOrDevice) {
  const auto rows = fdb_views(sample(), names());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].network, "blue");
  EXPECT_EQ(rows[0].vtep, kRemote);
  EXPECT_FALSE(rows[1].vtep);
  EXPECT_EQ(rows[1].device, "vtepaaaaaaaa");
}

// Two namespaces count their interfaces by themselves.
TEST(Views, AHostEndAndAnUnderlayDeviceMayHaveOneIndex) {
  auto state = sample();
  state.fdb[{kVni, MacAddress{{2, 0, 0, 0, 0, 3}}}] = {.ifindex = {3}};
  state.fdb[{kVni, MacAddress{{2, 0, 0, 0, 0, 4}}}] = {.ifindex = {3}, .same_netns = true};
  auto all = names();
  all.endpoint_ends[{IfIndex{3}, false}] = "vtepbbbbbbbb";
  all.endpoint_ends[{IfIndex{3}, true}] = "eth7";

  const auto rows = fdb_views(state, all);

  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[2].device, "vtepbbbbbbbb");
  EXPECT_EQ(rows[3].device, "eth7");
  EXPECT_EQ(vtep_views(state, all).at(0).device, "eth0");
}

TEST(Views, WithoutNamesNumbersRemain) {
  const auto rows = fdb_views(sample(), {});
  EXPECT_EQ(rows[1].device, "if7");
  EXPECT_EQ(rows[1].network, "");
}

TEST(Views, VtepRowsCountEndpoints) {
  const auto rows = vtep_views(sample(), names());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].device, "eth0");
  EXPECT_EQ(rows[0].endpoints, 1U);
}

TEST(Views, DropRowsLeaveZeroOutAndExplain) {
  const auto rows = drop_views({{kVni, VTEP_SPOOF_IP, 3, 300},
                                {kVni, VTEP_BUM, 0, 0},
                                {Vni{0}, VTEP_FOREIGN_VNI, 1, 100},
                                {kVni, VTEP_ENCAP, 9, 900},
                                {kVni, 4000, 1, 1}},
                               names());
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].reason, "FOREIGN_VNI");
  EXPECT_EQ(rows[0].kind, "pass");
  EXPECT_EQ(rows[1].kind, "forward");
  EXPECT_EQ(rows[2].reason, "SPOOF_IP");
  EXPECT_EQ(rows[2].kind, "drop");
  EXPECT_FALSE(rows[2].hint.empty());
  EXPECT_EQ(rows[3].reason, "4000") << "a number of a newer program is shown, not hidden";
}

}  // namespace
}  // namespace vtepd
