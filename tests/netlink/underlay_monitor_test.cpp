// SPDX-License-Identifier: GPL-2.0-only
// UnderlayMonitor: what it answers.
#include "netlink/underlay_monitor.h"

#include "netlink/sysctl.h"
#include "netlink/underlay_bench.h"

namespace vtepd::netlink::test {
namespace {

using UnderlayMonitorTest = UnderlayTest;

TEST_F(UnderlayMonitorTest, NeedsEitherAnAddressOrADevice) {
  expect_error(UnderlayMonitor::create({}), ErrorKind::Invalid, {"address or a device"});
  expect_error(UnderlayMonitor::create({.address = ip("192.0.2.1"), .device = "eth0"}),
               ErrorKind::Invalid, {"address or a device"});
  expect_error(UnderlayMonitor::create({.address = {}, .device = "a/b"}), ErrorKind::Invalid,
               {"underlay device", "a/b"});
}

TEST_F(UnderlayMonitorTest, DeviceByAddress) {
  const auto device = must(monitor_->device());
  EXPECT_EQ(device.name, "under0");
  EXPECT_EQ(device.address, ip("198.51.100.1"));
  EXPECT_EQ(device.mtu, 1600U);
  EXPECT_TRUE(device.up);
  EXPECT_NE(device.ifindex, IfIndex{});
}

TEST_F(UnderlayMonitorTest, DeviceByName) {
  run("ip address add 169.254.1.1/32 scope link dev wire0; "
      "ip address add 203.0.113.7/32 dev wire0; ip address add 203.0.113.8/32 dev wire0");
  watch({.address = {}, .device = "wire0"});
  const auto device = must(monitor_->device());
  EXPECT_EQ(device.name, "wire0");
  EXPECT_EQ(device.address, ip("203.0.113.7"));
}

TEST_F(UnderlayMonitorTest, AddressOnTwoInterfacesMeansTheFirst) {
  run("ip link add aaa0 type bridge; ip address add 198.51.100.1/32 dev aaa0");
  EXPECT_EQ(must(monitor_->device()).name, "under0");
}

TEST_F(UnderlayMonitorTest, PointToPointAddressIsOurs) {
  run("ip address add 203.0.113.1 peer 203.0.113.2/32 dev under0");
  watch({.address = ip("203.0.113.1"), .device = ""});
  EXPECT_EQ(must(monitor_->device()).name, "under0");
  watch({.address = ip("203.0.113.2"), .device = ""});
  expect_error(monitor_->device(), ErrorKind::NotFound, {"203.0.113.2"});
}

TEST_F(UnderlayMonitorTest, MissingAddressOrDeviceIsNamed) {
  watch({.address = ip("192.0.2.9"), .device = ""});
  expect_error(monitor_->device(), ErrorKind::NotFound, {"192.0.2.9", "no interface"});
  expect_error(monitor_->resolve(ip("198.51.100.2")), ErrorKind::NotFound, {"192.0.2.9"});
  watch({.address = {}, .device = "eth9"});
  expect_error(monitor_->device(), ErrorKind::NotFound, {"eth9", "does not exist"});
  watch({.address = {}, .device = "wire0"});
  expect_error(monitor_->device(), ErrorKind::NotFound, {"wire0", "no IPv4 address"});
}

TEST_F(UnderlayMonitorTest, DeviceThatIsDownIsReportedAsSuch) {
  run("ip link set under0 down");
  EXPECT_FALSE(must(monitor_->device()).up);
}

TEST_F(UnderlayMonitorTest, OnLinkVtepIsItsOwnNextHop) {
  const auto route = must(monitor_->resolve(ip("198.51.100.2")));
  EXPECT_EQ(route.next_hop, ip("198.51.100.2"));
  EXPECT_EQ(route.ifindex, must(monitor_->device()).ifindex);
  EXPECT_EQ(route.mtu, 1600U);
}

TEST_F(UnderlayMonitorTest, GatewayAndRouteMtu) {
  run("ip route add 203.0.113.0/24 via 198.51.100.254 mtu 1400; "
      "ip route add 192.0.2.0/24 via 198.51.100.253 mtu 9000");
  const auto small = must(monitor_->resolve(ip("203.0.113.5")));
  EXPECT_EQ(small.next_hop, ip("198.51.100.254"));
  EXPECT_EQ(small.mtu, 1400U);
  EXPECT_EQ(must(monitor_->resolve(ip("192.0.2.5"))).mtu, 1600U);
}

TEST_F(UnderlayMonitorTest, OnlinkGatewayOutsideTheSubnet) {
  run("ip route add 203.0.113.5/32 via 192.0.2.1 dev under0 onlink");
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("192.0.2.1"));
}

TEST_F(UnderlayMonitorTest, Ipv6NextHopOfAnIpv4Route) {
  run("ip route add 203.0.113.5/32 via inet6 fe80::1 dev under0");
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("fe80::1"));
}

TEST_F(UnderlayMonitorTest, RouteChosenByOurSourceAddress) {
  run("ip address add 198.51.100.77/24 dev under0; "
      "ip route add 203.0.113.0/24 via 198.51.100.254; "
      "ip route add 203.0.113.0/24 via 198.51.100.253 table 100; "
      "ip rule add from 198.51.100.77 table 100");
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("198.51.100.254"));
  watch({.address = ip("198.51.100.77"), .device = ""});
  EXPECT_EQ(must(monitor_->resolve(ip("203.0.113.5"))).next_hop, ip("198.51.100.253"));
}

TEST_F(UnderlayMonitorTest, NoRouteOfAnyKindIsNotFound) {
  run("ip route add unreachable 203.0.113.1/32; ip route add prohibit 203.0.113.2/32; "
      "ip route add blackhole 203.0.113.3/32; ip route add 203.0.113.5/32 via 198.51.100.254");
  for (const char* vtep : {"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"}) {
    expect_error(monitor_->resolve(ip(vtep)), ErrorKind::NotFound, {vtep, "198.51.100.1"});
  }
  must(monitor_->resolve(ip("203.0.113.5")));
}

TEST_F(UnderlayMonitorTest, OurOwnAndSpecialAddressesAreNotFound) {
  expect_error(monitor_->resolve(ip("198.51.100.1")), ErrorKind::NotFound, {"loopback"});
  expect_error(monitor_->resolve(ip("198.51.100.255")), ErrorKind::NotFound, {"unicast"});
  expect_error(monitor_->resolve(ip("239.1.1.1")), ErrorKind::NotFound, {"239.1.1.1"});
  expect_error(monitor_->resolve(ip("2001:db8::1")), ErrorKind::NotFound, {"different families"});
}

TEST_F(UnderlayMonitorTest, Ipv6Underlay) {
  run("ip address add 2001:db8:1::1/64 dev under0 nodad; "
      "ip route add 2001:db8:2::/64 via 2001:db8:1::fe; "
      "ip route add unreachable 2001:db8:3::/64");
  watch({.address = ip("2001:db8:1::1"), .device = ""});
  EXPECT_EQ(must(monitor_->device()).name, "under0");
  EXPECT_EQ(must(monitor_->resolve(ip("2001:db8:1::2"))).next_hop, ip("2001:db8:1::2"));
  EXPECT_EQ(must(monitor_->resolve(ip("2001:db8:2::2"))).next_hop, ip("2001:db8:1::fe"));
  expect_error(monitor_->resolve(ip("2001:db8:3::2")), ErrorKind::NotFound, {"2001:db8:3::2"});
  expect_error(monitor_->resolve(ip("2001:db8:1::1")), ErrorKind::NotFound, {"loopback"});
}

TEST_F(UnderlayMonitorTest, PortRangeOfTheNamespace) {
  must(set_sysctl("ipv4/ip_local_port_range", "20000 30000"));
  EXPECT_EQ(must(monitor_->port_range()), std::pair(std::uint16_t{20000}, std::uint16_t{30000}));
}

}  // namespace
}  // namespace vtepd::netlink::test
