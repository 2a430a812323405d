// SPDX-License-Identifier: GPL-2.0-only
// What goes to a remote VTEP, byte for byte.
#include "bed.h"
#include "sport.h"

#include <set>

namespace vtepd::test {
namespace {

class EncapFromEp : public testing::TestWithParam<Case> {};

TEST_P(EncapFromEp, IsEncapsulatedOrDropped) {
  run_from_ep(GetParam());
}

// As where programs cannot see whether the checksum of a frame is complete.
TEST_P(EncapFromEp, IsTheSameWithoutALookAtTheKernelsFrame) {
  run_from_ep(GetParam(), kernel_features() & (kAllFeatures ^ VTEP_FEATURE_KERNEL_SKB));
}

// The outer Ethernet header is a placeholder here: the kernel fills it in when it has resolved the
// next hop.
Packet encapsulated(const Packet& frame, std::uint8_t tos = 0) {
  return Packet(Ethernet{.dst = kMacR, .src = kMacA}) /
         Ipv4{.src = kVtep, .dst = kPeerVtep, .tos = tos} / Udp{.dst = kPort, .checksum = 0} /
         Vxlan{.vni = kVni} / frame;
}

Packet ipv4(std::size_t payload, std::uint8_t tos = 0) {
  return Packet(from_a(kMacR)) / Ipv4{.src = kAddrA, .dst = kAddrR, .tos = tos} / Udp{} /
         Payload(payload);
}

Packet ipv6(std::size_t payload, std::uint8_t traffic_class = 0) {
  return Packet(from_a(kMacR)) /
         Ipv6{.src = kAddr6A, .dst = kAddr6R, .traffic_class = traffic_class} / Udp{} /
         Payload(payload);
}

void with_peer(ProgRunner& runner, const std::function<void(vtep_peer&)>& change) {
  vtep_peer peer =
      make_peer(kVtep, kPeerVtep, static_cast<std::uint32_t>(devices().underlay), kPort);
  change(peer);
  runner.set_peer(kPeerId, peer);
}

const Packet kOther = Packet(from_a(kMacR)) / Payload(10);
const Packet kLlc = Packet(Ethernet{.dst = kMacR, .src = kMacA, .type = 20}) / Payload(20);
const std::size_t kFull = kMtu - 28;  // behind IPv4 and UDP

const Case kFrames[] = {
    {"ipv4", ipv4(18), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv4(18))},
    {"ipv4_odd_length", ipv4(19), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv4(19))},
    {"ipv6", ipv6(18), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv6(18))},
    {"other_ethertype", kOther, Verdict::Redirect, VTEP_ENCAP, encapsulated(kOther)},
    {"llc", kLlc, Verdict::Redirect, VTEP_ENCAP, encapsulated(kLlc)},
    {"ethernet_header_alone", from_a(kMacR), Verdict::Redirect, VTEP_ENCAP,
     encapsulated(from_a(kMacR))},
    {"as_large_as_the_mtu", ipv4(kFull), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv4(kFull))},
    {"one_byte_larger", ipv4(kFull + 1), Verdict::Drop, VTEP_TOO_BIG},
    {"congestion_experienced", ipv4(18, 3), Verdict::Redirect, VTEP_ENCAP,
     encapsulated(ipv4(18, 3), 3)},
    {"ect_0_without_inner_dscp", ipv4(18, 0xba), Verdict::Redirect, VTEP_ENCAP,
     encapsulated(ipv4(18, 0xba), 2)},
    {"ipv6_ect_1", ipv6(18, 0xb9), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv6(18, 0xb9), 1)},
    {"dscp_of_the_network",
     ipv4(18, 0xba),
     Verdict::Redirect,
     VTEP_ENCAP,
     encapsulated(ipv4(18, 0xba), 46 << 2 | 2),
     {},
     0,
     [](ProgRunner& runner) {
       runner.set_vni(kVni, {.mtu = kMtu, .unknown = 0, .bum = 0, .dscp = 46, .pad = {}});
     }},
    {"no_route",
     ipv4(18),
     Verdict::Drop,
     VTEP_NO_ROUTE,
     {},
     {},
     0,
     [](ProgRunner& runner) {
       with_peer(runner, [](vtep_peer& peer) { peer.flags = VTEP_PEER_UNREACHABLE; });
     }},
    {"no_peer",
     ipv4(18),
     Verdict::Drop,
     VTEP_NO_PEER,
     {},
     {},
     0,
     [](ProgRunner& runner) {
       runner.set_fdb(kVni, kMacR, {.vtep = kPeerId + 1, .ifindex = 0, .flags = 0});
     }},
};
INSTANTIATE_TEST_SUITE_P(Frames, EncapFromEp, testing::ValuesIn(kFrames), kCaseName);

std::map<CounterKey, vtep_counter> run_gso(const Packet& packet, std::uint32_t gso_size) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  return runner
      .run(Program::FromEp, packet.bytes(), {.ifindex = devices().port, .gso_size = gso_size})
      .counted;
}

// A made-up GSO frame has no type, so that the kernel refuses to encapsulate it: the two reasons
// tell which side of the limit it was.
TEST(EncapGso, SegmentsAreMeasuredNotTheFrame) {
  const Packet tcp4 =
      Packet(from_a(kMacR)) / Ipv4{.src = kAddrA, .dst = kAddrR} / Tcp{} / Payload(2000);
  const Packet tcp6 =
      Packet(from_a(kMacR)) / Ipv6{.src = kAddr6A, .dst = kAddr6R} / Tcp{} / Payload(2000);

  for (const auto& [packet, headers] : {std::pair{tcp4, 40U}, std::pair{tcp6, 60U},
                                        std::pair{ipv4(2000), 28U}, std::pair{ipv6(2000), 48U}}) {
    EXPECT_TRUE(run_gso(packet, kMtu - headers).contains({kVni, VTEP_ENCAP_FAILED}));
    EXPECT_TRUE(run_gso(packet, kMtu - headers + 1).contains({kVni, VTEP_TOO_BIG}));
  }
}

std::uint16_t outer_source_port(ProgRunner& runner, std::uint16_t flow) {
  const Packet packet =
      Packet(from_a(kMacR)) / Ipv4{.src = kAddrA, .dst = kAddrR} / Udp{.src = flow} / Payload(18);
  const auto out = runner.run(Program::FromEp, packet.bytes(), {.ifindex = devices().port});
  return static_cast<std::uint16_t>(out.frame[34] << 8 | out.frame[35]);
}

TEST(EncapSourcePort, IsConstantForAFlowAndSpreadsFlows) {
  ProgRunner runner(make_config());
  fill_maps(runner);

  std::set<std::uint16_t> ports;
  for (std::uint16_t flow = 1000; flow < 1064; flow++) {
    const std::uint16_t port = outer_source_port(runner, flow);
    EXPECT_EQ(port, outer_source_port(runner, flow));
    EXPECT_GE(port, 32768);
    EXPECT_LT(port, 60999);
    ports.insert(port);
  }
  EXPECT_GT(ports.size(), 56U);
}

TEST(EncapSourcePort, ScalesTheHashIntoTheRange) {
  EXPECT_EQ(source_port(0, 32768, 60999), 32768);
  EXPECT_EQ(source_port(0xffff0000U, 32768, 60999), 60998);
  EXPECT_EQ(source_port(0x80000000U, 32768, 60999), 32768 + (60999 - 32768) / 2);
  EXPECT_EQ(source_port(0x00008000U, 0, 65535), 32767) << "the lower half counts as well";
  EXPECT_EQ(source_port(12345, 5000, 5000), 5000);
}

// Values of the published lookup3 (hashlittle) for twelve bytes.
TEST(EncapSourcePort, HashOfMacsIsLookup3) {
  const std::uint32_t zero[3] = {};
  const std::uint32_t counting[3] = {0x03020100, 0x07060504, 0x0b0a0908};

  EXPECT_EQ(jhash_12(zero, 0), 0x1b68e557U);
  EXPECT_EQ(jhash_12(counting, 0x0608), 0x9b49f34bU);
}

// The template's partial sum plus what is filled in must give a valid header for every length.
TEST(EncapChecksum, OuterHeaderIsValidForEveryLength) {
  ProgRunner runner(make_config());
  fill_maps(runner);

  for (std::size_t payload = 0; payload <= kFull; payload += 13) {
    const auto out = runner.run(Program::FromEp, ipv4(payload, payload % 4).bytes(),
                                {.ifindex = devices().port});
    ASSERT_EQ(internet_checksum(Bytes(out.frame.begin() + 14, out.frame.begin() + 34)), 0);
  }
}

}  // namespace
}  // namespace vtepd::test
