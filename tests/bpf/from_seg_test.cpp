// SPDX-License-Identifier: GPL-2.0-only
// Frames with tunnel state: where they are sent to be cut up, and what becomes of them behind.
#include "bed.h"

namespace vtepd::test {
namespace {

constexpr std::uint32_t kSegmenter = 99;
constexpr std::uint16_t kNobodys = 0;

struct SegCase : Case {
  std::uint16_t from = VTEP_SEG_ENDPOINT;
  std::uint32_t gso_size = 0;
};

class FromSeg : public testing::TestWithParam<SegCase> {};

RunOptions options_of(const SegCase& test) {
  return {.ifindex = devices().underlay,
          .gso_size = test.gso_size,
          .mark = static_cast<std::uint32_t>(devices().port),
          .tc_index = test.from};
}

TEST_P(FromSeg, IsSentOnOrDropped) {
  const SegCase& test = GetParam();
  ProgRunner runner(make_config());
  fill_maps(runner);
  if (test.given) {
    test.given(runner);
  }
  const Bytes input = test.packet.bytes();

  expect_outcome(test, input, runner.run(Program::FromSeg, input, options_of(test)));
}

Packet encapsulated(const Packet& frame, std::uint8_t tos = 0) {
  return Packet(Ethernet{.dst = kMacR, .src = kMacA}) /
         Ipv4{.src = kVtep, .dst = kPeerVtep, .tos = tos} / Udp{.dst = kPort, .checksum = 0} /
         Vxlan{.vni = kVni} / frame;
}

Packet ipv4(const Mac& to, std::size_t payload = 18, std::uint8_t tos = 0) {
  return Packet(from_a(to)) / Ipv4{.src = kAddrA, .dst = kAddrR, .tos = tos} / Udp{} /
         Payload(payload);
}

Packet ipv6(std::uint8_t traffic_class) {
  return Packet(from_a(kMacR)) /
         Ipv6{.src = kAddr6A, .dst = kAddr6R, .traffic_class = traffic_class} / Udp{} / Payload(18);
}

Packet foreign() {
  return outer({.vni = kForeignVni}) / inner_udp();
}

const SegCase kCases[] = {
    {{"ipv4", ipv4(kMacR), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv4(kMacR))}},
    {{"ipv4_odd_length", ipv4(kMacR, 19), Verdict::Redirect, VTEP_ENCAP,
      encapsulated(ipv4(kMacR, 19))}},
    {{"ipv4_congestion", ipv4(kMacR, 18, 3), Verdict::Redirect, VTEP_ENCAP,
      encapsulated(ipv4(kMacR, 18, 3), 3)}},
    {{"ipv6_ect_1", ipv6(0xb9), Verdict::Redirect, VTEP_ENCAP, encapsulated(ipv6(0xb9), 1)}},
    {{"local", ipv4(kMacB), Verdict::Redirect, VTEP_LOCAL}},
    {{"nowhere", ipv4(kNobody), Verdict::Drop, VTEP_UNKNOWN_UNICAST}},
    {{"too_big", ipv4(kMacR, kMtu - 27), Verdict::Drop, VTEP_TOO_BIG}},
    {{"port_gone",
      ipv4(kMacR),
      Verdict::Drop,
      VTEP_NO_PORT,
      {},
      0,
      0,
      [](ProgRunner& runner) { runner.remove_port(static_cast<std::uint32_t>(devices().port)); }}},
    {{"of_the_host", ipv4(kMacR), Verdict::Drop, VTEP_GUARD, {}, 0}, kNobodys},
    {{"vxlan_of_the_host", outer() / inner_udp(), Verdict::Drop, VTEP_GUARD, {}, 0}, kNobodys},
    {{"vxlan_as_if_of_an_endpoint", outer() / inner_udp(), Verdict::Drop, VTEP_UNKNOWN_UNICAST}},
    {{"vxlan", outer() / inner_udp(), Verdict::Redirect, VTEP_DECAP, inner_udp()},
     VTEP_SEG_UNDERLAY},
    {{"vxlan_of_a_stranger", outer({}, {.src = "203.0.113.9", .dst = kVtep}) / inner_udp(),
      Verdict::Drop, VTEP_NOT_MEMBER},
     VTEP_SEG_UNDERLAY},
    {{"vxlan_of_others", foreign(), Verdict::Drop, VTEP_GUARD, {}, 0}, VTEP_SEG_UNDERLAY},
    {{"no_vxlan", ipv4(kMacR), Verdict::Drop, VTEP_GUARD, {}, 0}, VTEP_SEG_UNDERLAY},
    {{"not_cut_up", ipv4(kMacR, 2000), Verdict::Drop, VTEP_GUARD, {}, 0}, VTEP_SEG_ENDPOINT, 1000},
};
INSTANTIATE_TEST_SUITE_P(Frames, FromSeg, testing::ValuesIn(kCases), kCaseName);

TEST(Truncation, OfWhatWasCutUpNothingPasses) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const SegCase vxlan{{.packet = outer() / inner_udp()}, VTEP_SEG_UNDERLAY};
  for (const SegCase& test : {SegCase{{.packet = ipv4(kMacR)}}, vxlan}) {
    const Bytes whole = test.packet.bytes();
    // The kernel runs no program on a frame that ends before its IP header does.
    for (std::size_t size = 34; size < whole.size(); size++) {
      SCOPED_TRACE(size);
      const auto outcome = runner.run(
          Program::FromSeg, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
          options_of(test));
      EXPECT_NE(outcome.verdict, Verdict::Next);
      EXPECT_EQ(outcome.counted.size(), 1U) << to_string(outcome.counted);
      EXPECT_FALSE(outcome.counted.contains({kVni, VTEP_DECAP}));
    }
  }
}

std::map<CounterKey, vtep_counter> run_merged(Program program, const Packet& packet,
                                              std::uint32_t segmenter) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  runner.set_segmenter(segmenter);
  const int ifindex = program == Program::FromEp ? devices().port : devices().underlay;
  return runner.run(program, packet.bytes(), {.ifindex = ifindex, .gso_size = 1000}).counted;
}

// The kernel refuses a made-up GSO frame, as it refuses one that is encapsulated already.
TEST(SentToBeCutUp, WhatCannotBeEncapsulated) {
  const auto with = run_merged(Program::FromEp, ipv4(kMacR, 2000), kSegmenter);
  const auto without = run_merged(Program::FromEp, ipv4(kMacR, 2000), 0);

  EXPECT_TRUE(with.contains({kVni, VTEP_SEGMENTED})) << to_string(with);
  EXPECT_TRUE(without.contains({kVni, VTEP_ENCAP_FAILED})) << to_string(without);
}

TEST(SentToBeCutUp, WhatIsMergedFromTheUnderlayAndNotTcp) {
  const Packet eth = Ethernet{.dst = kMacA, .src = kMacR};
  const Packet ip = Ipv4{.src = kAddrR, .dst = kAddrA};
  const Packet ip6 = Ipv6{.src = kAddr6R, .dst = kAddr6A};
  for (const Packet& header : {eth / ip, eth / ip6}) {
    const Packet datagrams = outer() / (header / Udp{} / Payload(2000));
    const Packet stream = outer() / (header / Tcp{} / Payload(2000));
    const auto cut = run_merged(Program::FromUl, datagrams, kSegmenter);
    const auto whole = run_merged(Program::FromUl, stream, kSegmenter);
    const auto without = run_merged(Program::FromUl, datagrams, 0);

    EXPECT_TRUE(cut.contains({kVni, VTEP_SEGMENTED})) << to_string(cut);
    EXPECT_FALSE(whole.contains({kVni, VTEP_SEGMENTED})) << to_string(whole);
    EXPECT_TRUE(without.contains({kVni, VTEP_DECAP_FAILED})) << to_string(without);
  }
}

}  // namespace
}  // namespace vtepd::test
