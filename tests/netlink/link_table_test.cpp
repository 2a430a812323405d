// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/link_table.h"

#include <linux/if.h>

#include <gtest/gtest.h>

namespace vtepd::netlink::test {
namespace {

using Names = std::vector<std::string>;

LinkInfo link(std::uint32_t index, const std::string& name) {
  LinkInfo info;
  info.index = IfIndex{index};
  info.name = name;
  info.mtu = 1500;
  info.flags = IFF_UP | IFF_RUNNING;
  return info;
}

LinkInfo host_end(std::uint32_t index, const std::string& name) {
  LinkInfo info = link(index, name);
  info.kind = "veth";
  info.flags |= IFF_NOARP;
  return info;
}

TEST(LinkTable, ReportsTheSameOnlyOnce) {
  LinkTable table;
  EXPECT_TRUE(table.update(link(1, "eth0")));
  EXPECT_FALSE(table.update(link(1, "eth0")));
}

TEST(LinkTable, MtuAndStateMatter) {
  LinkTable table;
  table.update(link(1, "eth0"));
  auto changed = link(1, "eth0");
  changed.mtu = 9000;
  EXPECT_TRUE(table.update(changed));
  changed.flags = IFF_UP;
  EXPECT_TRUE(table.update(changed));
  changed.flags = IFF_UP | IFF_PROMISC;
  EXPECT_FALSE(table.update(changed));
}

TEST(LinkTable, OffloadsForTunnelsMatter) {
  LinkTable table;
  table.update(link(1, "eth0"));
  auto changed = link(1, "eth0");
  changed.segments_tunnels = true;
  EXPECT_TRUE(table.update(changed));
  EXPECT_FALSE(table.update(changed));
}

TEST(LinkTable, HostEndsMatterOnlyWhenTheyGo) {
  LinkTable table;
  EXPECT_FALSE(table.update(host_end(1, "vtep00000001")));
  EXPECT_TRUE(table.remove(IfIndex{1}));
  EXPECT_EQ(table.take_gone(), Names{"vtep00000001"});
}

TEST(LinkTable, RemovalIsToldOnce) {
  LinkTable table;
  table.update(link(1, "eth0"));
  EXPECT_TRUE(table.remove(IfIndex{1}));
  EXPECT_FALSE(table.remove(IfIndex{1}));
  EXPECT_EQ(table.take_gone(), Names{"eth0"});
  EXPECT_EQ(table.take_gone(), Names{});
}

TEST(LinkTable, RenamingTellsTheOldName) {
  LinkTable table;
  table.update(host_end(1, "vtep00000001"));
  EXPECT_TRUE(table.update(host_end(1, "other")));
  EXPECT_EQ(table.take_gone(), Names{"vtep00000001"});
}

TEST(LinkTable, ListingAgainFindsWhatWent) {
  LinkTable table;
  table.update(link(1, "eth0"));
  table.update(link(2, "eth1"));
  table.update(link(3, "eth2"));

  table.replace({link(1, "eth0"), link(3, "new"), link(4, "eth1")});

  EXPECT_EQ(table.take_gone(), (Names{"eth2", "eth1"}));
  EXPECT_FALSE(table.update(link(4, "eth1")));
}

}  // namespace
}  // namespace vtepd::netlink::test
