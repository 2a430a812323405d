// SPDX-License-Identifier: GPL-2.0-only
// UnderlayMonitor: what it reports, and what it keeps to itself.
#include "netlink/link_manager.h"
#include "netlink/underlay_bench.h"

#include <algorithm>

namespace vtepd::netlink::test {
namespace {

using Names = std::vector<std::string>;

class UnderlayEventsTest : public UnderlayTest {
 protected:
  bool called() {
    return until([this] { return calls_ > 0; });
  }

  bool reported_gone(const std::string& name) {
    return until([&] { return std::find(gone_.begin(), gone_.end(), name) != gone_.end(); });
  }

  // Makes a change that is certainly reported, so that "nothing was" can be told without waiting.
  void expect_silence_before_marker() {
    run("ip route add 192.0.2.200/32 dev under0");
    must(monitor_->on_readable());
    EXPECT_EQ(calls_, 1);
    calls_ = 0;
    EXPECT_EQ(gone_, Names{});
  }

  // Reads what is there; the number of callbacks.
  int drain() {
    const int before = calls_;
    must(monitor_->on_readable());
    return calls_ - before;
  }
};

TEST_F(UnderlayEventsTest, NothingWaitingMeansNoCallback) {
  EXPECT_EQ(drain(), 0);
}

TEST_F(UnderlayEventsTest, ChangedRouteIsReportedAndResolvedAnew) {
  run("ip route add 203.0.113.0/24 via 198.51.100.254");
  EXPECT_TRUE(called());
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("198.51.100.254"));
  calls_ = 0;

  run("ip route replace 203.0.113.0/24 via 198.51.100.253");
  EXPECT_TRUE(called());
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("198.51.100.253"));
  calls_ = 0;

  run("ip route del 203.0.113.0/24");
  EXPECT_TRUE(called());
  expect_error(monitor_->resolve(ip("203.0.113.5")), ErrorKind::NotFound, {});
}

// All that a frame needs has to be on; what it does not need is nobody's business.
TEST_F(UnderlayEventsTest, ChangedOffloadsForTunnelsAreReported) {
  const IfIndex device = must(monitor_->device()).ifindex;
  ASSERT_TRUE(must(monitor_->segments_tunnels(device)));
  for (const std::string feature : {"tx-tcp-segmentation", "tx-udp_tnl-segmentation"}) {
    run("ethtool -K under0 " + feature + " off");
    EXPECT_EQ(drain(), 1) << feature;
    EXPECT_FALSE(must(monitor_->segments_tunnels(device))) << feature;
    run("ethtool -K under0 " + feature + " on");
    EXPECT_EQ(drain(), 1) << feature;
    EXPECT_TRUE(must(monitor_->segments_tunnels(device))) << feature;
  }
  run("ethtool -K under0 tx-udp-segmentation off");
  EXPECT_EQ(drain(), 0);
  EXPECT_TRUE(must(monitor_->segments_tunnels(device)));
  expect_error(monitor_->segments_tunnels(IfIndex{9999}), ErrorKind::NotFound, {"9999"});
}

TEST_F(UnderlayEventsTest, RulesAndNextHopObjectsAreReported) {
  run("ip rule add from 198.51.100.1 table 100");
  EXPECT_EQ(drain(), 1);
  run("ip nexthop add id 7 via 198.51.100.254 dev under0");
  EXPECT_EQ(drain(), 1);
  run("ip route add 203.0.113.0/24 nhid 7");
  EXPECT_EQ(drain(), 1);
  run("ip nexthop replace id 7 via 198.51.100.253 dev under0");
  EXPECT_EQ(drain(), 1);
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("198.51.100.253"));
}

TEST_F(UnderlayEventsTest, ManyChangesAreOneCallback) {
  run("for i in $(seq 1 200); do echo route add 203.0.113.$i/32 dev under0; done | ip -batch -");
  EXPECT_EQ(drain(), 1);
}

TEST_F(UnderlayEventsTest, RemovedAddressIsReported) {
  run("ip address del 198.51.100.1/24 dev under0");
  EXPECT_TRUE(called());
  expect_error(monitor_->device(), ErrorKind::NotFound, {"198.51.100.1"});
  calls_ = 0;

  run("ip address add 198.51.100.1/24 dev wire0");
  EXPECT_TRUE(called());
  EXPECT_EQ(must(monitor_->device()).name, "wire0");
}

TEST_F(UnderlayEventsTest, NewAddressOfANamedDeviceBecomesTheSource) {
  watch({.address = {}, .device = "under0"});
  must(monitor_->resolve(ip("198.51.100.2")));
  run("ip address flush dev under0; ip address add 192.0.2.1/24 dev under0");
  EXPECT_TRUE(called());
  EXPECT_EQ(must(monitor_->device()).address, ip("192.0.2.1"));
  must(monitor_->resolve(ip("192.0.2.2")));
}

TEST_F(UnderlayEventsTest, LinkFlapAndMtuAreReported) {
  run("ip link set wire0 down");
  EXPECT_TRUE(until([this] { return calls_ > 0 && !must(monitor_->device()).up; }));
  calls_ = 0;

  run("ip link set wire0 up");
  EXPECT_TRUE(until([this] { return calls_ > 0 && must(monitor_->device()).up; }));
  settle();

  run("ip link set under0 down");
  EXPECT_TRUE(called());
  expect_error(monitor_->resolve(ip("198.51.100.2")), ErrorKind::NotFound, {});
  run("ip link set under0 up");
  EXPECT_TRUE(until([this] { return monitor_->resolve(ip("198.51.100.2")).has_value(); }));
  settle();

  run("ip link set under0 mtu 1500");
  EXPECT_TRUE(called());
  EXPECT_EQ(must(monitor_->resolve(ip("198.51.100.2"))).mtu, 1500U);
  EXPECT_EQ(gone_, Names{});
}

TEST_F(UnderlayEventsTest, DeletedLinkIsNamed) {
  run("ip link add d0 type bridge");
  EXPECT_TRUE(called());
  run("ip link del d0");
  EXPECT_TRUE(reported_gone("d0"));
  EXPECT_EQ(gone_, Names{"d0"});
}

TEST_F(UnderlayEventsTest, LinkMovedToAnotherNamespaceIsGone) {
  const Namespace other;
  run("ip link add d0 type veth peer name d1; ip link set d0 netns " + other.path());
  EXPECT_TRUE(reported_gone("d0"));
}

TEST_F(UnderlayEventsTest, RenamedLinkIsGoneUnderItsOldName) {
  run("ip link add d0 type bridge; ip link set d0 name d1");
  EXPECT_TRUE(reported_gone("d0"));
  EXPECT_EQ(gone_, Names{"d0"});
}

TEST_F(UnderlayEventsTest, LinkThatLeavesABridgeIsNotGone) {
  run("ip link add br0 type bridge; ip link add d0 master br0 type veth peer name d1");
  drain();
  run("ip link set d0 nomaster");
  drain();
  EXPECT_EQ(gone_, Names{});
}

TEST_F(UnderlayEventsTest, PortGoesWithItsNamespace) {
  auto links = must(LinkManager::create());
  auto container = std::make_unique<Namespace>();
  {
    const auto netns = must(links->open_netns(container->path()));
    must(links->create_port(netns, port_spec(1)));
    must(links->bring_up(netns, port_spec(1)));
  }
  container.reset();
  EXPECT_TRUE(reported_gone("vtep00000001"));
  EXPECT_FALSE(must(links->find_link("vtep00000001")));
}

TEST_F(UnderlayEventsTest, AttachmentMakesNoNoise) {
  auto links = must(LinkManager::create());
  const Namespace container;
  const auto netns = must(links->open_netns(container.path()));
  must(links->create_port(netns, port_spec(1)));
  must(links->bring_up(netns, port_spec(1)));
  EXPECT_EQ(drain(), 0);
  expect_silence_before_marker();
}

TEST_F(UnderlayEventsTest, NeighboursMakeNoNoise) {
  run("ip neighbour add 198.51.100.2 lladdr 02:00:5e:00:00:02 dev under0 nud reachable; "
      "ip neighbour change 198.51.100.2 lladdr 02:00:5e:00:00:03 dev under0 nud stale; "
      "ip neighbour del 198.51.100.2 dev under0");
  EXPECT_EQ(drain(), 0);
  expect_silence_before_marker();
}

TEST_F(UnderlayEventsTest, OtherFamilyMakesNoNoise) {
  run("ip -6 route add 2001:db8:9::/64 dev under0");
  EXPECT_EQ(drain(), 0);
  expect_silence_before_marker();
}

// Far more than the receive buffer holds, with a deletion lost in the middle.
TEST_F(UnderlayEventsTest, LostNotificationsAreMadeUpForByListingAgain) {
  run("ip link add d0 type bridge; ip link add d1 type bridge");
  drain();
  const std::string flood =
      "for i in $(seq 0 15); do for j in $(seq 1 250); do echo route $verb 10.1.$i.$j/32 dev "
      "under0; done; done | ip -batch -; ";

  run("verb=add; " + flood + "ip link del d0; ip link set d1 name d2; verb=del; " + flood);

  EXPECT_EQ(drain(), 1);
  EXPECT_EQ(gone_, (Names{"d1", "d0"}));
  EXPECT_EQ(drain(), 0);
  run("ip link del d2");
  EXPECT_TRUE(reported_gone("d2"));
}

}  // namespace
}  // namespace vtepd::netlink::test
