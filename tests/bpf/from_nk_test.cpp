// SPDX-License-Identifier: GPL-2.0-only
// What runs in the sending of an endpoint on a netkit device: it encapsulates what is for another
// host, and leaves alone what vtep_from_ep will see behind it.
#include "bed.h"

#include <map>

namespace vtepd::test {
namespace {

class FromNk : public testing::TestWithParam<Case> {};

TEST_P(FromNk, IsEncapsulatedDroppedOrLeftAlone) {
  const Case& test = GetParam();
  ProgRunner runner(make_config());
  fill_maps(runner, test.port_flags);
  if (test.given) {
    test.given(runner);
  }
  const Bytes input = test.packet.bytes();

  expect_outcome(test, input, runner.run(Program::FromNk, input, {.ifindex = devices().port}));
  EXPECT_TRUE(test.verdict != Verdict::Next || runner.events().empty())
      << "what goes on is told of behind";
}

Packet encapsulated(const Packet& frame, std::uint8_t tos = 0) {
  return Packet(Ethernet{.dst = kMacR, .src = kMacA}) /
         Ipv4{.src = kVtep, .dst = kPeerVtep, .tos = tos} / Udp{.dst = kPort, .checksum = 0} /
         Vxlan{.vni = kVni} / frame;
}

Packet ipv4(const Mac& to, const Ip4& from = kAddrA, std::size_t payload = 18) {
  return Packet(from_a(to)) / Ipv4{.src = from, .dst = kAddrR} / Udp{} / Payload(payload);
}

Packet ipv6(const Ip6& from = kAddr6A) {
  return Packet(from_a(kMacR)) / Ipv6{.src = from, .dst = kAddr6R, .traffic_class = 3} / Udp{} /
         Payload(18);
}

const Packet kAlienMac =
    Packet(Ethernet{.dst = kMacR, .src = kMacB}) / Ipv4{.src = kAddrA, .dst = kAddrR} / Udp{};
const Packet kSolicit = Packet(from_a(kMacR)) /
                        Ipv6{.src = kAddr6A, .dst = kAddr6R, .hop_limit = 255} /
                        neighbour_solicit(kAddr6R);

const Case kCases[] = {
    {"ipv4", ipv4(kMacR), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv4(kMacR))},
    {"ipv6", ipv6(), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv6(), 3)},
    {"too_big", ipv4(kMacR, kAddrA, kMtu - 27), Verdict::Drop, VTEP_TOO_BIG},
    {"alien_mac", kAlienMac, Verdict::Drop, VTEP_SPOOF_MAC},
    {"alien_address", ipv4(kMacR, kAddrB), Verdict::Drop, VTEP_SPOOF_IP},
    {"alien_address_v6", ipv6(kAddr6B), Verdict::Drop, VTEP_SPOOF_IP},
    {"vlan", Packet(from_a(kMacR)) / Vlan{.id = 5} / Ipv4{.src = kAddrA} / Udp{}, Verdict::Next},
    {"local", ipv4(kMacB), Verdict::Next},
    {"local_with_an_alien_address", ipv4(kMacB, kAddrR), Verdict::Next},
    {"nowhere", ipv4(kNobody), Verdict::Next},
    {"broadcast", ipv4(kBroadcast), Verdict::Next},
    {"arp",
     Packet(from_a(kBroadcast)) / Arp{.sender_mac = kMacA, .sender = kAddrA, .target = kAddrR},
     Verdict::Next},
    {"arp_to_one",
     Packet(from_a(kMacR)) / Arp{.sender_mac = kMacA, .sender = kAddrA, .target = kAddrR},
     Verdict::Next},
    {"solicitation_of_one", kSolicit, Verdict::Next},
    {"other_ethertype", Packet(from_a(kMacR)) / Payload(10), Verdict::Next},
    {"port_gone",
     ipv4(kMacR),
     Verdict::Drop,
     VTEP_NO_PORT,
     {},
     0,
     0,
     [](ProgRunner& runner) { runner.remove_port(static_cast<std::uint32_t>(devices().port)); }},
};
INSTANTIATE_TEST_SUITE_P(Frames, FromNk, testing::ValuesIn(kCases), kCaseName);

// Each bit of a frame for another host: what this program decides the one behind it would, too.
TEST(Flip, WhatANetkitEndpointSendsIsDecidedAsBehindOrLeftAlone) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  std::map<Verdict, int> verdicts;
  for (const Bytes& whole : {ipv4(kMacR).bytes(), ipv6().bytes()}) {
    for (std::size_t bit = 0; bit < whole.size() * 8; bit++) {
      SCOPED_TRACE("byte " + std::to_string(bit / 8) + " bit " + std::to_string(bit % 8));
      Bytes frame = whole;
      frame.at(bit / 8) = static_cast<std::uint8_t>(frame.at(bit / 8) ^ 0x80U >> bit % 8);
      const auto early = runner.run(Program::FromNk, frame, {.ifindex = devices().port});
      const auto behind = runner.run(Program::FromEp, frame, {.ifindex = devices().port});
      const bool left = early.verdict == Verdict::Next;
      EXPECT_EQ(left ? Verdict::Next : behind.verdict, early.verdict);
      EXPECT_EQ("", difference(left ? frame : behind.frame, early.frame));
      EXPECT_EQ(left ? "" : to_string(behind.counted), left ? "" : to_string(early.counted));
      EXPECT_TRUE(!left || early.counted.empty());
      ++verdicts[early.verdict];
    }
  }
  EXPECT_GT(verdicts[Verdict::Redirect], 0);
  EXPECT_GT(verdicts[Verdict::Drop], 0);
  EXPECT_GT(verdicts[Verdict::Next], 0);
}

TEST(Truncation, OfWhatANetkitEndpointSendsNothingIsSentOn) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes whole = ipv4(kMacR, kAddrB).bytes();
  // The kernel runs no program on a frame that ends before its IP header does.
  for (std::size_t size = 34; size < whole.size(); size++) {
    SCOPED_TRACE(size);
    const auto outcome = runner.run(
        Program::FromNk, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
        {.ifindex = devices().port});
    EXPECT_EQ(outcome.verdict, Verdict::Drop) << to_string(outcome.counted);
  }
}

}  // namespace
}  // namespace vtepd::test
