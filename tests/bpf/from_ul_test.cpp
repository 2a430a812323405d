// SPDX-License-Identifier: GPL-2.0-only
// Frames from the underlay: whose they are, and what is wrong with them.
#include "bed.h"

namespace vtepd::test {
namespace {

class FromUl : public testing::TestWithParam<Case> {};

TEST_P(FromUl, IsPassedOrDroppedForItsReason) {
  run_from_ul(GetParam());
}

const Ipv4 kIp = {.src = kPeerVtep, .dst = kVtep};
const Udp kUdp = {.src = 40000, .dst = kPort, .checksum = 0};

Ipv4 ip_with(const std::function<void(Ipv4&)>& change) {
  Ipv4 ip = kIp;
  change(ip);
  return ip;
}

Packet with_ip(const std::function<void(Ipv4&)>& change) {
  return outer({}, ip_with(change), kUdp) / inner_udp();
}

Packet with_udp(const Udp& udp) {
  return outer({}, kIp, udp) / inner_udp();
}

const Packet kEth = Ethernet{.dst = kUnderlayMac, .src = kPeerMac};

// Not certainly ours: on to the next program, unchanged and not counted.
const Case kPassed[] = {
    {"other_address", with_ip([](Ipv4& ip) { ip.dst = "203.0.113.3"; }), Verdict::Next},
    {"other_port", with_udp({.src = 40000, .dst = 8472, .checksum = 0}), Verdict::Next},
    {"tcp", kEth / kIp / Tcp{.dst = kPort} / Payload(60), Verdict::Next},
    {"ipv6", kEth / Ipv6{} / Udp{.dst = kPort} / Vxlan{} / inner_udp(), Verdict::Next},
    {"arp", kEth / Arp{} / Payload(40), Verdict::Next},
    {"for_another_host",
     Packet(Ethernet{.dst = kPeerMac, .src = kPeerMac}) / kIp / kUdp / Vxlan{} / inner_udp(),
     Verdict::Next},
    {"broadcast_mac",
     Packet(Ethernet{.dst = kBroadcast, .src = kPeerMac}) / kIp / kUdp / Vxlan{} / inner_udp(),
     Verdict::Next},
    {"later_fragment", with_ip([](Ipv4& ip) { ip.fragment = 100; }), Verdict::Next},
    {"vlan", kEth / Vlan{.id = 5} / kIp / kUdp / Vxlan{} / inner_udp(), Verdict::Next},
    {"version_5", with_ip([](Ipv4& ip) { ip.version_ihl = 0x55; }), Verdict::Next},
    {"header_length_4", with_ip([](Ipv4& ip) { ip.version_ihl = 0x44; }), Verdict::Next},
};
INSTANTIATE_TEST_SUITE_P(NotOurs, FromUl, testing::ValuesIn(kPassed), kCaseName);

const Case kForeign[] = {
    {"foreign_vni",
     outer({.vni = kForeignVni}) / inner_udp(),
     Verdict::Next,
     VTEP_FOREIGN_VNI,
     {},
     0},
    {"foreign_vni_without_flag",
     outer({.vni = kForeignVni, .flags = 0}) / inner_udp(),
     Verdict::Next,
     VTEP_FOREIGN_VNI,
     {},
     0},
    {"foreign_vni_upper_bits",
     outer({.vni = kVni | 0x800000}) / inner_udp(),
     Verdict::Next,
     VTEP_FOREIGN_VNI,
     {},
     0},
    {"foreign_vni_bad_checksum",
     outer({.vni = kForeignVni}, ip_with([](Ipv4& ip) { ip.checksum = 1; }), kUdp) / inner_udp(),
     Verdict::Next,
     VTEP_FOREIGN_VNI,
     {},
     0},
};
INSTANTIATE_TEST_SUITE_P(Foreign, FromUl, testing::ValuesIn(kForeign), kCaseName);

const Case kOuter[] = {
    {"checksum", with_ip([](Ipv4& ip) { ip.checksum = 0x1234; }), Verdict::Drop,
     VTEP_OUTER_CHECKSUM},
    {"checksum_zero", with_ip([](Ipv4& ip) { ip.checksum = 0; }), Verdict::Drop,
     VTEP_OUTER_CHECKSUM},
    {"options", with_ip([](Ipv4& ip) {
       ip.options = {1, 1, 1, 0};
     }),
     Verdict::Drop, VTEP_OUTER_OPTIONS},
    {"first_fragment", with_ip([](Ipv4& ip) { ip.fragment = 0x2000; }), Verdict::Drop,
     VTEP_OUTER_FRAGMENT},
    {"ip_longer_than_frame", with_ip([](Ipv4& ip) { ip.length = 200; }), Verdict::Drop,
     VTEP_OUTER_LENGTH},
    {"ip_shorter_than_udp", with_ip([](Ipv4& ip) { ip.length = 80; }), Verdict::Drop,
     VTEP_OUTER_LENGTH},
    {"ip_length_zero", with_ip([](Ipv4& ip) { ip.length = 0; }), Verdict::Drop, VTEP_OUTER_LENGTH},
    {"udp_longer", with_udp({.src = 1, .dst = kPort, .length = 77, .checksum = 0}), Verdict::Drop,
     VTEP_OUTER_LENGTH},
    {"udp_shorter", with_udp({.src = 1, .dst = kPort, .length = 75, .checksum = 0}), Verdict::Drop,
     VTEP_OUTER_LENGTH},
    {"no_inner_frame", outer() / Payload(13), Verdict::Drop, VTEP_OUTER_LENGTH},
    {"no_vni_flag", outer({.flags = 0}) / inner_udp(), Verdict::Drop, VTEP_VXLAN_FLAGS},
    {"all_flags_but_vni", outer({.flags = 0xf7}) / inner_udp(), Verdict::Drop, VTEP_VXLAN_FLAGS},
    {"not_a_member", with_ip([](Ipv4& ip) { ip.src = "203.0.113.9"; }), Verdict::Drop,
     VTEP_NOT_MEMBER},
    {"checksum_before_fragment", with_ip([](Ipv4& ip) {
       ip.fragment = 0x2000;
       ip.checksum = 0;
     }),
     Verdict::Drop, VTEP_OUTER_CHECKSUM},
};
INSTANTIATE_TEST_SUITE_P(Outer, FromUl, testing::ValuesIn(kOuter), kCaseName);

Packet inner_from(const Mac& src, const Mac& dst) {
  return outer() / Ethernet{.dst = dst, .src = src} / Ipv4{.src = kAddrR, .dst = kAddrA} / Udp{} /
         Payload(18);
}

const Case kInner[] = {
    {"multicast_source", inner_from(Mac({1, 0, 0, 0, 0, 1}), kMacA), Verdict::Drop,
     VTEP_INNER_MALFORMED},
    {"zero_source", inner_from(Mac(), kMacA), Verdict::Drop, VTEP_INNER_MALFORMED},
    {"broadcast", inner_from(kMacR, kBroadcast), Verdict::Drop, VTEP_BUM},
    {"multicast", inner_from(kMacR, Mac({1, 0, 0x5e, 0, 0, 1})), Verdict::Drop, VTEP_BUM},
    {"unknown_destination", inner_from(kMacR, kNobody), Verdict::Drop, VTEP_NOT_LOCAL},
    {"destination_on_another_vtep", inner_from(kMacA, kMacR), Verdict::Drop, VTEP_NOT_LOCAL},
    {"vlan",
     outer() / Ethernet{.dst = kMacA, .src = kMacR} / Vlan{.id = 5} / Ipv4{} / Udp{} / Payload(18),
     Verdict::Drop, VTEP_VLAN_TAGGED},
};
INSTANTIATE_TEST_SUITE_P(Inner, FromUl, testing::ValuesIn(kInner), kCaseName);

TEST(FromUlEvents, UnknownSenderIsNamed) {
  ProgRunner runner(make_config());
  fill_maps(runner);

  runner.run(Program::FromUl, with_ip([](Ipv4& ip) { ip.src = "203.0.113.9"; }).bytes(),
             {.ifindex = devices().underlay});

  const auto events = runner.events();
  ASSERT_EQ(events.size(), 1U);
  const Ip6 sender(Ip4("203.0.113.9"));
  EXPECT_EQ(events[0].reason, static_cast<__u32>(VTEP_NOT_MEMBER));
  EXPECT_EQ(events[0].vni, kVni);
  EXPECT_TRUE(std::equal(sender.bytes.begin(), sender.bytes.end(), events[0].addr));
}

}  // namespace
}  // namespace vtepd::test
