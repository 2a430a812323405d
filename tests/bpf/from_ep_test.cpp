// SPDX-License-Identifier: GPL-2.0-only
// Source checks and switching of what an endpoint sends.
#include "bed.h"

namespace vtepd::test {
namespace {

class FromEp : public testing::TestWithParam<Case> {};

TEST_P(FromEp, IsForwardedOrDroppedForItsReason) {
  run_from_ep(GetParam());
}

Packet ipv4_from(const Ip4& src) {
  return Packet(from_a(kMacB)) / Ipv4{.src = src, .dst = kAddrB} / Udp{} / Payload(18);
}

Packet ipv6_from(const Ip6& src) {
  return Packet(from_a(kMacB)) / Ipv6{.src = src, .dst = kAddr6B} / Udp{} / Payload(18);
}

Packet udp4(const Ip4& src, std::uint16_t sport, std::uint16_t dport, std::uint16_t frag = 0) {
  return Packet(from_a(kBroadcast)) / Ipv4{.src = src, .dst = "255.255.255.255", .fragment = frag} /
         Udp{.src = sport, .dst = dport} / Payload(18);
}

std::function<void(ProgRunner&)> allowing(const Ip6& address, unsigned prefix) {
  return [=](ProgRunner& runner) {
    runner.allow(static_cast<std::uint32_t>(devices().port), address, prefix);
  };
}

const Case kSwitching[] = {
    {"local_unicast", ipv4_from(kAddrA), Verdict::Redirect, VTEP_LOCAL},
    {"local_unicast_v6", ipv6_from(kAddr6A), Verdict::Redirect, VTEP_LOCAL},
    {"local_same_netns",
     ipv4_from(kAddrA),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     0,
     [](ProgRunner& runner) {
       runner.set_fdb(kVni, kMacB,
                      {.vtep = 0, .ifindex = kLocalIfindex, .flags = VTEP_FDB_SAME_NETNS});
     }},
    {"local_other_ethertype", Packet(from_a(kMacB)) / Payload(10), Verdict::Redirect, VTEP_LOCAL},
    {"unknown_unicast", Packet(from_a(kNobody)) / Ipv4{.src = kAddrA} / Udp{}, Verdict::Drop,
     VTEP_UNKNOWN_UNICAST},
    {"broadcast", udp4(kAddrA, 1000, 1000), Verdict::Drop, VTEP_BUM},
    {"multicast",
     Packet(from_a(Mac({1, 0, 0x5e, 0, 0, 1}))) / Ipv4{.src = kAddrA, .dst = "224.0.0.1"} / Udp{},
     Verdict::Drop, VTEP_BUM},
    {"vlan_in_payload", Packet(from_a(kMacB)) / Vlan{.id = 5} / Ipv4{.src = kAddrA} / Udp{},
     Verdict::Drop, VTEP_VLAN_TAGGED},
    {"service_vlan_in_payload", Packet(from_a(kMacB)) / Vlan{.id = 5, .tpid = 0x88a8} / Payload(46),
     Verdict::Drop, VTEP_VLAN_TAGGED},
};
INSTANTIATE_TEST_SUITE_P(Switching, FromEp, testing::ValuesIn(kSwitching), kCaseName);

const Packet kAlienMac =
    Packet(Ethernet{.dst = kMacB, .src = kMacR}) / Ipv4{.src = kAddrA, .dst = kAddrB} / Udp{};
const Packet kMulticastMac =
    Packet(Ethernet{.dst = kMacB, .src = Mac({3, 0, 0, 0, 0, 1})}) / Ipv4{.src = kAddrA} / Udp{};

const Case kMacs[] = {
    {"alien_mac", kAlienMac, Verdict::Drop, VTEP_SPOOF_MAC},
    {"alien_mac_unchecked",
     kAlienMac,
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"allowed_mac",
     kAlienMac,
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_ALLOW_MAC,
     [](ProgRunner& runner) {
       runner.allow_mac(static_cast<std::uint32_t>(devices().port), kMacR);
     }},
    {"mac_allowed_to_another_port",
     kAlienMac,
     Verdict::Drop,
     VTEP_SPOOF_MAC,
     {},
     {},
     VTEP_PORT_ALLOW_MAC,
     [](ProgRunner& runner) { runner.allow_mac(kLocalIfindex, kMacR); }},
    {"multicast_mac", kMulticastMac, Verdict::Drop, VTEP_SPOOF_MAC},
    {"multicast_mac_unchecked",
     kMulticastMac,
     Verdict::Drop,
     VTEP_SPOOF_MAC,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"last_byte_differs",
     Packet(Ethernet{.dst = kMacB, .src = Mac(0x0101)}) / Ipv4{.src = kAddrA} / Udp{},
     Verdict::Drop, VTEP_SPOOF_MAC},
};
INSTANTIATE_TEST_SUITE_P(Mac, FromEp, testing::ValuesIn(kMacs), kCaseName);

const Case kIpv4[] = {
    {"alien", ipv4_from("192.0.2.3"), Verdict::Drop, VTEP_SPOOF_IP},
    {"alien_unchecked",
     ipv4_from("192.0.2.3"),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"in_allowed_prefix",
     ipv4_from("198.51.100.9"),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     allowing(Ip6(Ip4("198.51.100.0")), 96 + 24)},
    {"beside_allowed_prefix",
     ipv4_from("198.51.101.9"),
     Verdict::Drop,
     VTEP_SPOOF_IP,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     allowing(Ip6(Ip4("198.51.100.0")), 96 + 24)},
    {"allowed_to_another_port",
     ipv4_from("198.51.100.9"),
     Verdict::Drop,
     VTEP_SPOOF_IP,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) { runner.allow(kLocalIfindex, Ip6(Ip4("198.51.100.0")), 96 + 24); }},
    {"allowed_v6_does_not_cover_v4",
     ipv4_from("198.51.100.9"),
     Verdict::Drop,
     VTEP_SPOOF_IP,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     allowing("2001:db8::", 32)},
    {"no_address",
     ipv4_from(kAddrA),
     Verdict::Drop,
     VTEP_SPOOF_IP,
     {},
     {},
     0,
     [](ProgRunner& runner) {
       vtep_port port = make_port();
       port.flags &= ~static_cast<std::uint32_t>(VTEP_PORT_ADDR4);
       runner.set_port(static_cast<std::uint32_t>(devices().port), port);
     }},
    {"dhcp_request", udp4("0.0.0.0", 68, 67), Verdict::Drop, VTEP_BUM},
    {"zero_other_ports", udp4("0.0.0.0", 68, 69), Verdict::Drop, VTEP_SPOOF_IP},
    {"zero_dhcp_reply", udp4("0.0.0.0", 67, 68), Verdict::Drop, VTEP_SPOOF_IP},
    {"zero_dhcp_fragment", udp4("0.0.0.0", 68, 67, 0x2000), Verdict::Drop, VTEP_SPOOF_IP},
    {"zero_tcp", Packet(from_a(kMacB)) / Ipv4{.src = "0.0.0.0"} / Tcp{.src = 68, .dst = 67},
     Verdict::Drop, VTEP_SPOOF_IP},
    {"dhcp_request_with_options",
     Packet(from_a(kBroadcast)) /
         Ipv4{.src = "0.0.0.0", .dst = "255.255.255.255", .options = {1, 1, 1, 0}} /
         Udp{.src = 68, .dst = 67} / Payload(18),
     Verdict::Drop, VTEP_BUM},
    {"wrong_version",
     Packet(from_a(kMacB)) / Ipv4{.src = kAddrA, .version_ihl = 0x65} / Udp{} / Payload(18),
     Verdict::Drop, VTEP_MALFORMED},
    {"short_header_length",
     Packet(from_a(kMacB)) / Ipv4{.src = kAddrA, .version_ihl = 0x44} / Udp{} / Payload(18),
     Verdict::Drop, VTEP_MALFORMED},
};
INSTANTIATE_TEST_SUITE_P(Ipv4, FromEp, testing::ValuesIn(kIpv4), kCaseName);

const Case kIpv6[] = {
    {"alien", ipv6_from("2001:db8::3"), Verdict::Drop, VTEP_SPOOF_IP},
    {"alien_unchecked",
     ipv6_from("2001:db8::3"),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"own_link_local", ipv6_from(link_local_of(kMacA)), Verdict::Redirect, VTEP_LOCAL},
    {"alien_link_local", ipv6_from(link_local_of(kMacB)), Verdict::Drop, VTEP_SPOOF_IP},
    {"eui64_outside_link_local", ipv6_from("2001:db8::5eff:fe10:1"), Verdict::Drop, VTEP_SPOOF_IP},
    {"in_allowed_prefix",
     ipv6_from("2001:db8:5::9"),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     allowing("2001:db8:5::", 48)},
    {"beside_allowed_prefix",
     ipv6_from("2001:db8:6::9"),
     Verdict::Drop,
     VTEP_SPOOF_IP,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     allowing("2001:db8:5::", 48)},
    {"unspecified", ipv6_from("::"), Verdict::Drop, VTEP_SPOOF_IP},
    {"mapped_v4_is_not_v4", ipv6_from(Ip6(kAddrA)), Verdict::Drop, VTEP_SPOOF_IP},
    {"ipv4_only_network",
     ipv6_from(kAddr6A),
     Verdict::Drop,
     VTEP_NO_IPV6,
     {},
     {},
     0,
     [](ProgRunner& runner) {
       vtep_port port = make_port();
       port.flags &= ~static_cast<std::uint32_t>(VTEP_PORT_IPV6);
       runner.set_port(static_cast<std::uint32_t>(devices().port), port);
     }},
};
INSTANTIATE_TEST_SUITE_P(Ipv6, FromEp, testing::ValuesIn(kIpv6), kCaseName);

TEST(FromEpPort, InterfaceThatIsNoPortIsDropped) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes input = ipv4_from(kAddrA).bytes();

  expect_outcome({"", {}, Verdict::Drop, VTEP_NO_PORT, {}, 0}, input,
                 runner.run(Program::FromEp, input, {.ifindex = devices().underlay}));
}

TEST(FromEpEvents, UnknownUnicastNamesTheMacAndIsRateLimited) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes input = (Packet(from_a(kNobody)) / Ipv4{.src = kAddrA} / Udp{}).bytes();

  for (int i = 0; i < 20; i++) {
    runner.run(Program::FromEp, input, {.ifindex = devices().port});
  }

  const auto events = runner.events();
  ASSERT_GE(events.size(), 1U);
  EXPECT_LT(events.size(), 20U);
  EXPECT_EQ(events[0].reason, static_cast<__u32>(VTEP_UNKNOWN_UNICAST));
  EXPECT_EQ(events[0].vni, kVni);
  EXPECT_EQ(events[0].ifindex, static_cast<__u32>(devices().port));
  EXPECT_TRUE(std::equal(kNobody.bytes.begin(), kNobody.bytes.end(), events[0].mac));
}

TEST(FromEpEvents, SpoofedMacNamesTheSource) {
  ProgRunner runner(make_config());
  fill_maps(runner);

  runner.run(Program::FromEp, kAlienMac.bytes(), {.ifindex = devices().port});

  const auto events = runner.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].reason, static_cast<__u32>(VTEP_SPOOF_MAC));
  EXPECT_TRUE(std::equal(kMacR.bytes.begin(), kMacR.bytes.end(), events[0].mac));
}

}  // namespace
}  // namespace vtepd::test
