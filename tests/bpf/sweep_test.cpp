// SPDX-License-Identifier: GPL-2.0-only
// Valid frames cut at every length and with every single bit of the outer headers flipped.
#include "bed.h"

#include <set>

namespace vtepd::test {
namespace {

Bytes cut(Bytes frame, std::size_t size) {
  frame.resize(size);
  return frame;
}

// The kernel runs no program on a frame that ends before its IP header does.
std::size_t shortest(const Bytes& frame) {
  const int type = frame[12] << 8 | frame[13];
  return type == 0x0800 ? 34 : type == 0x86dd ? 54 : 14;
}

Packet solicit() {
  const Ip6 group = solicited_node_of(kAddr6R);
  return Packet(from_a(multicast_mac_of(group))) /
         Ipv6{.src = kAddr6A, .dst = group, .hop_limit = 255} /
         neighbour_solicit(kAddr6R, nd_option(1, kMacA));
}

vtep_reason only_reason(const Outcome& outcome) {
  EXPECT_EQ(outcome.counted.size(), 1U) << to_string(outcome.counted);
  if (outcome.counted.size() != 1) {
    return VTEP_NONE;
  }
  EXPECT_EQ(outcome.counted.begin()->second.packets, 1U);
  return outcome.counted.begin()->first.second;
}

// Nothing of an endpoint ever reaches the host's stack, whatever is missing.
TEST(Truncation, OfWhatAnEndpointSendsNothingPasses) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Packet frames[] = {
      Packet(from_a(kMacR)) / Ipv4{.src = kAddrA, .dst = kAddrR} / Tcp{} / Payload(20),
      Packet(from_a(kMacB)) / Ipv6{.src = kAddr6A, .dst = kAddr6B} / Ipv6Ext{.number = 60} /
          Icmpv6{} / Payload(20),
      Packet(from_a(kBroadcast)) / Arp{.sender_mac = kMacA, .sender = kAddrA, .target = kAddrR},
      Packet(from_a(kBroadcast)) / Ipv4{.src = "0.0.0.0"} / Udp{.src = 68, .dst = 67}, solicit()};

  for (const Packet& packet : frames) {
    const Bytes frame = packet.bytes();
    for (std::size_t size = shortest(frame); size <= frame.size(); size++) {
      SCOPED_TRACE(size);
      const auto outcome =
          runner.run(Program::FromEp, cut(frame, size), {.ifindex = devices().port});
      EXPECT_NE(outcome.verdict, Verdict::Next);
      only_reason(outcome);
    }
  }
}

TEST(Truncation, ArpAndSolicitationsAreAnsweredOnlyWhenWhole) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Packet request =
      Packet(from_a(kBroadcast)) / Arp{.sender_mac = kMacA, .sender = kAddrA, .target = kAddrR};

  for (const Packet& packet : {request, solicit()}) {
    const Bytes frame = packet.bytes();
    for (std::size_t size = shortest(frame); size < frame.size(); size++) {
      SCOPED_TRACE(size);
      const auto outcome =
          runner.run(Program::FromEp, cut(frame, size), {.ifindex = devices().port});
      EXPECT_EQ(outcome.verdict, Verdict::Drop);
      EXPECT_EQ(only_reason(outcome), VTEP_MALFORMED);
    }
  }
}

TEST(Truncation, OfAnUnderlayFrameNothingIsDelivered) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes frame = (outer() / inner_udp()).bytes();
  constexpr std::size_t kUpToVni = 50;

  for (std::size_t size = shortest(frame); size < frame.size(); size++) {
    SCOPED_TRACE(size);
    const auto outcome =
        runner.run(Program::FromUl, cut(frame, size), {.ifindex = devices().underlay});
    expect_strip_agrees(runner, cut(frame, size), outcome);
    if (size < kUpToVni) {
      EXPECT_EQ(outcome.verdict, Verdict::Next);
      EXPECT_EQ(outcome.frame, cut(frame, size));
      EXPECT_TRUE(outcome.counted.empty());
    } else {
      EXPECT_EQ(outcome.verdict, Verdict::Drop);
      EXPECT_EQ(only_reason(outcome), VTEP_OUTER_LENGTH);
    }
  }
}

// What a flip at this byte may lead to.
struct Field {
  std::size_t end;
  std::set<vtep_reason> reasons;
};

// From the first byte: up to `end`, which outcomes are right.
const Field kFields[] = {
    {6, {VTEP_NONE}},    // destination MAC: for another host
    {12, {VTEP_DECAP}},  // source MAC means nothing
    {14, {VTEP_NONE}},   // EtherType
    {15, {VTEP_NONE, VTEP_OUTER_OPTIONS}},
    {20, {VTEP_OUTER_CHECKSUM}},             // TOS, total length, ID
    {22, {VTEP_OUTER_CHECKSUM, VTEP_NONE}},  // fragment: flags, or an offset
    {23, {VTEP_OUTER_CHECKSUM}},             // TTL
    {24, {VTEP_NONE}},                       // protocol
    {30, {VTEP_OUTER_CHECKSUM}},             // checksum, source address
    {34, {VTEP_NONE}},                       // destination address
    {36, {VTEP_DECAP}},                      // UDP source port
    {38, {VTEP_NONE}},                       // UDP destination port
    {40, {VTEP_OUTER_LENGTH}},
    {42, {VTEP_DECAP}},  // UDP checksum: not verified, the inner ones are
    {43, {VTEP_DECAP, VTEP_VXLAN_FLAGS}},
    {46, {VTEP_DECAP}},  // reserved
    {49, {VTEP_FOREIGN_VNI}},
    {50, {VTEP_DECAP}},  // reserved
};

const Field& field_of(std::size_t offset) {
  return *std::find_if(std::begin(kFields), std::end(kFields),
                       [=](const Field& field) { return offset < field.end; });
}

TEST(BitFlips, OfTheOuterHeadersLeadToWhatTheFlippedFieldSays) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes frame = (outer() / inner_udp()).bytes();
  const Bytes inner = inner_udp().bytes();

  for (std::size_t bit = 0; bit < 50 * 8; bit++) {
    SCOPED_TRACE("byte " + std::to_string(bit / 8) + " bit " + std::to_string(bit % 8));
    Bytes flipped = frame;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));

    const auto outcome = runner.run(Program::FromUl, flipped, {.ifindex = devices().underlay});

    expect_strip_agrees(runner, flipped, outcome);
    const vtep_reason reason = outcome.counted.empty() ? VTEP_NONE : only_reason(outcome);
    EXPECT_TRUE(field_of(bit / 8).reasons.contains(reason)) << reason_name(reason);
    if (outcome.verdict == Verdict::Redirect) {
      EXPECT_EQ(reason, VTEP_DECAP);
      EXPECT_EQ("", difference(inner, outcome.frame));
    } else {
      EXPECT_EQ("", difference(flipped, outcome.frame));
    }
  }
}

TEST(BitFlips, OfTheInnerDestinationNeverReachAnotherEndpoint) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes frame = (outer() / inner_udp()).bytes();

  for (std::size_t bit = 50 * 8; bit < 56 * 8; bit++) {
    SCOPED_TRACE(bit);
    Bytes flipped = frame;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));

    const auto outcome = runner.run(Program::FromUl, flipped, {.ifindex = devices().underlay});

    expect_strip_agrees(runner, flipped, outcome);
    EXPECT_EQ(outcome.verdict, Verdict::Drop);
    const vtep_reason reason = only_reason(outcome);
    EXPECT_EQ(reason, bit == 50 * 8 ? VTEP_BUM : VTEP_NOT_LOCAL);
  }
}

}  // namespace
}  // namespace vtepd::test
