// SPDX-License-Identifier: GPL-2.0-only
// Other tunnels to the VTEP, VXLAN in VXLAN, and outer IPv4 with options or in fragments.
#include "bed.h"

namespace vtepd::test {
namespace {

class Tunnel : public testing::TestWithParam<Case> {};

TEST_P(Tunnel, IsPassedDroppedOrTakenOffOnce) {
  run_from_ul(GetParam());
}

const Packet kEth = Ethernet{.dst = kUnderlayMac, .src = kPeerMac};
const Udp kUdp = {.src = 40000, .dst = kPort, .checksum = 0};

Packet ip(std::uint8_t proto) {
  return kEth / Ipv4{.src = kPeerVtep, .dst = kVtep, .proto = proto};
}

// From the VXLAN packet on, without an Ethernet header in front.
const Packet kVxlanPacket =
    Packet(Ipv4{.src = kPeerVtep, .dst = kVtep}) / kUdp / Vxlan{} / inner_udp();

Packet with_options(std::size_t size, const Vxlan& vxlan, std::uint16_t port) {
  return outer(vxlan, {.src = kPeerVtep, .dst = kVtep, .options = Bytes(size, 1)},
               {.src = 40000, .dst = port, .checksum = 0}) /
         inner_udp();
}

Packet fragment(std::uint16_t flags_and_offset) {
  return outer({}, {.src = kPeerVtep, .dst = kVtep, .fragment = flags_and_offset}, kUdp) /
         inner_udp();
}

constexpr std::uint8_t kGre = 47;
constexpr std::uint8_t kIpip = 4;
constexpr std::uint16_t kGuePort = 6080;

// Passed, untouched and uncounted: whether the host has such a tunnel is not vtepd's business.
const Case kOthers[] = {
    {"gre_ethernet", ip(kGre) / Payload(Bytes{0, 0, 0x65, 0x58}) / inner_udp(), Verdict::Next},
    {"gre_with_key_42", ip(kGre) / Payload(Bytes{0x20, 0, 0x65, 0x58, 0, 0, 42, 0}) / inner_udp(),
     Verdict::Next},
    {"gre_of_vxlan", ip(kGre) / Payload(Bytes{0, 0, 8, 0}) / kVxlanPacket, Verdict::Next},
    {"gue_ipv4",
     kEth / Ipv4{.src = kPeerVtep, .dst = kVtep} / Udp{.src = 40000, .dst = kGuePort} /
         Payload(Bytes{0, 4, 0, 0}) / kVxlanPacket,
     Verdict::Next},
    {"ipip_of_vxlan", ip(kIpip) / kVxlanPacket, Verdict::Next},
    {"ipip_of_udp", ip(kIpip) / Ipv4{.src = kAddrR, .dst = kAddrA} / Udp{} / Payload(18),
     Verdict::Next},
    {"sit_of_ipv6", ip(41) / Ipv6{.src = kAddr6R, .dst = kAddr6A} / Udp{} / Payload(18),
     Verdict::Next},
};
INSTANTIATE_TEST_SUITE_P(Others, Tunnel, testing::ValuesIn(kOthers), kCaseName);

Packet nested(const Mac& dst) {
  return Ethernet{.dst = dst, .src = kMacR} / kVxlanPacket;
}

// The inner VXLAN header is the endpoint's payload.
const Case kNested[] = {
    {"for_an_endpoint", outer() / nested(kMacA), Verdict::Redirect, VTEP_DECAP, nested(kMacA)},
    {"for_the_vteps_mac", outer() / nested(kUnderlayMac), Verdict::Drop, VTEP_NOT_LOCAL},
    {"twice",
     outer() / Ethernet{.dst = kMacA, .src = kMacR} / Ipv4{.src = kPeerVtep, .dst = kVtep} / kUdp /
         Vxlan{} / nested(kMacB),
     Verdict::Redirect, VTEP_DECAP,
     Ethernet{.dst = kMacA, .src = kMacR} / Packet(Ipv4{.src = kPeerVtep, .dst = kVtep}) / kUdp /
         Vxlan{} / nested(kMacB)},
    {"of_another_network",
     outer() / Ethernet{.dst = kMacA, .src = kMacR} / Ipv4{.src = kPeerVtep, .dst = kVtep} / kUdp /
         Vxlan{.vni = kForeignVni} / inner_udp(),
     Verdict::Redirect, VTEP_DECAP,
     Ethernet{.dst = kMacA, .src = kMacR} / Packet(Ipv4{.src = kPeerVtep, .dst = kVtep}) / kUdp /
         Vxlan{.vni = kForeignVni} / inner_udp()},
};
INSTANTIATE_TEST_SUITE_P(Nested, Tunnel, testing::ValuesIn(kNested), kCaseName);

std::vector<Case> options_of_every_length() {
  std::vector<Case> cases;
  for (std::size_t size = 4; size <= 40; size += 4) {
    const std::string name = std::to_string(size);
    cases.push_back(
        {"ours_" + name, with_options(size, {}, kPort), Verdict::Drop, VTEP_OUTER_OPTIONS});
    cases.push_back({"foreign_" + name,
                     with_options(size, {.vni = kForeignVni}, kPort),
                     Verdict::Next,
                     VTEP_FOREIGN_VNI,
                     {},
                     0});
    cases.push_back({"other_port_" + name, with_options(size, {}, kGuePort), Verdict::Next});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Options, Tunnel, testing::ValuesIn(options_of_every_length()), kCaseName);

const Case kFragments[] = {
    {"none", fragment(0), Verdict::Redirect, VTEP_DECAP, inner_udp()},
    {"dont_fragment", fragment(0x4000), Verdict::Redirect, VTEP_DECAP, inner_udp()},
    {"first", fragment(0x2000), Verdict::Drop, VTEP_OUTER_FRAGMENT},
    {"first_dont_fragment", fragment(0x6000), Verdict::Drop, VTEP_OUTER_FRAGMENT},
    {"second", fragment(0x2001), Verdict::Next},
    {"last", fragment(0x0001), Verdict::Next},
    {"last_possible", fragment(0x1fff), Verdict::Next},
};
INSTANTIATE_TEST_SUITE_P(Fragments, Tunnel, testing::ValuesIn(kFragments), kCaseName);

}  // namespace
}  // namespace vtepd::test
