// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/headroom_bridge.h"

#include "netlink/bench.h"

#include <net/if.h>

namespace vtepd::netlink::test {
namespace {

constexpr std::uint16_t kPort = 4789;
constexpr const char* kBridge = "vteph4789";

class HeadroomBridgeTest : public NetlinkTest {
 protected:
  void SetUp() override {
    NetlinkTest::SetUp();
    auto idle = must(IdleVxlan::open(kPort));
    must(idle.create());
  }

  static HostEnd veth(const std::string& name) {
    (void)run("ip link add " + name + " mtu 1400 type veth peer name p" + name);
    return {IfIndex{if_nametoindex(name.c_str())}, name};
  }

  static bool is_port(const std::string& name) {
    return contains(run("ip link show " + name), std::string("master ") + kBridge + " ");
  }
};

TEST_F(HeadroomBridgeTest, IsMadeDownAndStaysAsItIsWhoeverJoins) {
  auto bridge = must(HeadroomBridge::open(kPort));
  const HostEnd first = veth("first");
  ASSERT_EQ(must(bridge.verify({first})).size(), 1U);
  const auto before = run(std::string("ip link show ") + kBridge);

  EXPECT_TRUE(must(bridge.add(veth("second"))));

  EXPECT_EQ(run(std::string("ip link show ") + kBridge), before)
      << "a change of its MAC or MTU would have every route looked up again";
  for (const char* part : {"mtu 65535", "NOARP", "state DOWN"}) {
    EXPECT_TRUE(contains(before, part)) << before;
  }
  EXPECT_EQ(run(std::string("cat /proc/sys/net/ipv6/conf/") + kBridge + "/disable_ipv6"), "1\n");
  EXPECT_TRUE(is_port("first") && is_port("second") && is_port("vtepx4789"));
  EXPECT_EQ(bridge.describe(), "bridge vteph4789 (2 endpoints)");
  const std::vector<std::string> nothing;
  EXPECT_EQ(must(bridge.verify({first})), nothing);
}

TEST_F(HeadroomBridgeTest, WithoutTheIdleDeviceItSaysWhatThatCosts) {
  (void)run("ip link del vtepx4789");
  auto bridge = must(HeadroomBridge::open(kPort));

  expect_error(bridge.verify({}), ErrorKind::NotFound, {"vtepx4789"});

  EXPECT_TRUE(contains(bridge.describe(), "none, ")) << bridge.describe();
  EXPECT_FALSE(must(bridge.add(veth("first"))));
  EXPECT_FALSE(must(bridge.remove()));
}

TEST_F(HeadroomBridgeTest, ForeignBridgeOfThatNameIsAConflictAndStays) {
  (void)run(std::string("ip link add ") + kBridge + " type bridge");
  auto bridge = must(HeadroomBridge::open(kPort));

  expect_error(bridge.verify({}), ErrorKind::Conflict, {"'vteph4789'"});

  EXPECT_FALSE(must(bridge.remove()));
  EXPECT_TRUE(contains(run("ip link"), kBridge));
}

TEST_F(HeadroomBridgeTest, WhatCannotBeAPortIsPassedOver) {
  (void)run("ip link add other0 type bridge");
  auto bridge = must(HeadroomBridge::open(kPort));
  const HostEnd first = veth("first");

  must(bridge.verify(
      {{IfIndex{if_nametoindex("other0")}, "other0"}, {IfIndex{9999}, "gone0"}, first}));

  EXPECT_TRUE(is_port("first"));
  EXPECT_FALSE(is_port("other0"));
}

// The kernel's limit is 1023.
TEST_F(HeadroomBridgeTest, WhenItIsFullTheOthersDoWithout) {
  constexpr int kEnds = 1030;
  (void)run("seq 0 " + std::to_string(kEnds - 1) +
            " | sed 's/.*/link add e& type veth peer name p&/' | ip -batch -");
  std::vector<HostEnd> ends;
  for (int i = 0; i < kEnds; ++i) {
    const std::string name = "e" + std::to_string(i);
    ends.push_back({IfIndex{if_nametoindex(name.c_str())}, name});
  }
  auto bridge = must(HeadroomBridge::open(kPort));

  expect_error(bridge.verify(ends), ErrorKind::Exhausted, {"vteph4789", "ports"});

  EXPECT_TRUE(contains(bridge.describe(), "(1022 endpoints, others without: "))
      << bridge.describe();
}

}  // namespace
}  // namespace vtepd::netlink::test
