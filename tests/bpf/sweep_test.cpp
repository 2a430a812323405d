// SPDX-License-Identifier: GPL-2.0-only
// Valid frames cut at every length.
#include "bed.h"

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

// Not cut, but as short as its lengths say, with and without padding of the underlay behind it: an
// Ethernet header is what it takes.
TEST(Truncation, OfTheInnerFrameWithLengthsThatSaySo) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes inner = inner_udp().bytes();
  constexpr std::size_t kEthernet = 14;

  for (std::size_t size = 0; size <= inner.size(); size++) {
    for (const std::size_t padding : {0U, 40U}) {
      SCOPED_TRACE(std::to_string(size) + " and " + std::to_string(padding));
      const Bytes whole = (outer() / Payload(cut(inner, size))).bytes();
      const Bytes frame = cut(whole, whole.size() + padding);
      const auto outcome = runner.run(Program::FromUl, frame, {.ifindex = devices().underlay});
      if (size < kEthernet) {
        EXPECT_EQ(outcome.verdict, Verdict::Drop);
        EXPECT_EQ(only_reason(outcome), VTEP_OUTER_LENGTH);
        EXPECT_EQ("", difference(frame, outcome.frame));
        continue;
      }
      EXPECT_EQ(outcome.verdict, Verdict::Redirect);
      EXPECT_EQ(only_reason(outcome), VTEP_DECAP);
      // Behind it there may be padding, of zeros only.
      ASSERT_GE(outcome.frame.size(), size);
      EXPECT_EQ("", difference(cut(cut(inner, size), outcome.frame.size()), outcome.frame));
    }
  }
}

}  // namespace
}  // namespace vtepd::test
