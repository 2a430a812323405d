// SPDX-License-Identifier: GPL-2.0-only
// What a local endpoint gets from a peer, byte for byte.
#include "bed.h"

namespace vtepd::test {
namespace {

class DecapFromUl : public testing::TestWithParam<Case> {};

TEST_P(DecapFromUl, InnerFrameIsDelivered) {
  run_from_ul(GetParam());
}

Packet inner4(std::uint8_t tos = 0) {
  return Packet(Ethernet{.dst = kMacA, .src = kMacR}) /
         Ipv4{.src = kAddrR, .dst = kAddrA, .tos = tos} / Udp{} / Payload(18);
}

Packet inner6(std::uint8_t traffic_class = 0) {
  return Packet(Ethernet{.dst = kMacA, .src = kMacR}) /
         Ipv6{.src = kAddr6R, .dst = kAddr6A, .traffic_class = traffic_class} / Udp{} / Payload(18);
}

Packet inner_other(std::size_t size) {
  return Packet(Ethernet{.dst = kMacA, .src = kMacR}) / Payload(size);
}

// As on any Ethernet, a short frame gets zeros up to 60 bytes.
Packet padded(const Packet& frame) {
  return frame / Payload(Bytes(60 - frame.bytes().size()));
}

Packet marked(std::uint8_t ecn) {
  return outer({}, {.src = kPeerVtep, .dst = kVtep, .tos = ecn});
}

Case delivered(std::string name, const Packet& packet, const Packet& expected) {
  return {std::move(name), packet, Verdict::Redirect, VTEP_DECAP, expected};
}

const Packet kArp = Packet(Ethernet{.dst = kMacA, .src = kMacR}) /
                    Arp{.op = 2, .sender_mac = kMacR, .sender = kAddrR, .target_mac = kMacA};
const Packet kLlc = Packet(Ethernet{.dst = kMacA, .src = kMacR, .type = 30}) / Payload(30);

const Case kFrames[] = {
    delivered("ipv4", outer() / inner4(), inner4()),
    delivered("ipv6", outer() / inner6(), inner6()),
    delivered("arp", outer() / kArp, kArp),
    delivered("llc", outer() / kLlc, kLlc),
    delivered("other_ethertype", outer() / inner_other(46), inner_other(46)),
    delivered("twenty_bytes", outer() / inner_other(20), inner_other(20)),
    delivered("nineteen_bytes", outer() / inner_other(19), padded(inner_other(19))),
    delivered("ten_bytes", outer() / inner_other(10), padded(inner_other(10))),
    delivered("ethernet_header_alone", outer() / inner_other(0), padded(inner_other(0))),
    delivered("reserved_bits_ignored", outer({.flags = 0xff, .reserved = 0xffffff}) / inner4(),
              inner4()),
    delivered("udp_checksum",
              outer({}, {.src = kPeerVtep, .dst = kVtep}, {.src = 1, .dst = kPort}) / inner4(),
              inner4()),
    delivered("without_dont_fragment",
              outer({}, {.src = kPeerVtep, .dst = kVtep, .id = 7, .fragment = 0}) / inner4(),
              inner4()),
    delivered("vxlan_inside_stays",
              outer() / Ethernet{.dst = kMacA, .src = kMacR} /
                  Ipv4{.src = kPeerVtep, .dst = kVtep} / Udp{.dst = kPort, .checksum = 0} /
                  Vxlan{.vni = kVni} / inner4(),
              Packet(Ethernet{.dst = kMacA, .src = kMacR}) / Ipv4{.src = kPeerVtep, .dst = kVtep} /
                  Udp{.dst = kPort, .checksum = 0} / Vxlan{.vni = kVni} / inner4()),
};
INSTANTIATE_TEST_SUITE_P(Frames, DecapFromUl, testing::ValuesIn(kFrames), kCaseName);

// RFC 6040 figure 4: rows are the inner field, columns the outer one; -1 is a drop.
TEST(DecapEcn, FollowsTheTable) {
  constexpr int kTable[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

  for (std::uint8_t inner = 0; inner < 4; inner++) {
    for (std::uint8_t outer_ecn = 0; outer_ecn < 4; outer_ecn++) {
      SCOPED_TRACE("inner " + std::to_string(inner) + " outer " + std::to_string(outer_ecn));
      const int result = kTable[inner][outer_ecn];
      const auto dscp = [](int ecn) { return static_cast<std::uint8_t>(0xb8 | ecn); };
      for (const auto& make : {inner4, inner6}) {
        const Packet frame =
            marked(static_cast<std::uint8_t>(0x28 | outer_ecn)) / make(dscp(inner));
        if (result < 0) {
          run_from_ul({"", frame, Verdict::Drop, VTEP_ECN});
        } else {
          run_from_ul(delivered("", frame, make(dscp(result))));
        }
      }
    }
  }
}

TEST(DecapEcn, FrameWithoutIpHeaderIsDelivered) {
  run_from_ul(delivered("", marked(3) / inner_other(46), inner_other(46)));
}

TEST(DecapEcn, TruncatedIpHeaderIsDropped) {
  const Packet short_ip =
      Packet(Ethernet{.dst = kMacA, .src = kMacR, .type = 0x0800}) / Payload(19);

  run_from_ul({"", marked(3) / short_ip, Verdict::Drop, VTEP_INNER_MALFORMED});
}

TEST(DecapPadding, BytesBehindTheOuterPacketAreNotDelivered) {
  const auto size = static_cast<std::uint16_t>(inner4().bytes().size());
  const auto length = [&](int headers) { return static_cast<std::uint16_t>(size + headers); };
  const Packet frame = outer({}, {.src = kPeerVtep, .dst = kVtep, .length = length(36)},
                             {.src = 1, .dst = kPort, .length = length(16), .checksum = 0}) /
                       inner4() / Payload(6);
  ProgRunner runner(make_config());
  fill_maps(runner);

  const auto outcome = runner.run(Program::FromUl, frame.bytes(), {.ifindex = devices().underlay});

  // The padding was not in the inner packet, whose own headers the builder made to include it.
  EXPECT_EQ(outcome.verdict, Verdict::Redirect) << to_string(outcome.counted);
  EXPECT_EQ(outcome.frame.size(), size);
  expect_strip_agrees(runner, frame.bytes(), outcome);
}

// The kernel recomputes the sum over the frame after the run and compares it with what the helpers
// kept up.
TEST(DecapChecksum, SumOfTheDeviceStaysRight) {
  if (!can_compare_sums()) {
    GTEST_SKIP() << "this kernel does not compare sums after a run";
  }
  const Packet frames[] = {outer() / inner4(),    outer() / inner6(),    outer() / kArp,
                           marked(3) / inner4(2), marked(3) / inner6(2), marked(1) / inner6(2),
                           outer() / kLlc};

  for (const std::uint16_t features : {std::uint16_t{0}, kernel_features()}) {
    ProgRunner runner(make_config(features));
    fill_maps(runner);
    for (const Packet& frame : frames) {
      SCOPED_TRACE(difference({}, frame.bytes()));
      const auto outcome = runner.run(Program::FromUl, frame.bytes(),
                                      {.ifindex = devices().underlay, .checksum_complete = true});
      EXPECT_EQ(outcome.verdict, Verdict::Redirect) << to_string(outcome.counted);
    }
  }
}

TEST(DecapFeatures, SameBytesWithoutTheFeatures) {
  ProgRunner runner(make_config(0));
  fill_maps(runner);
  for (const Case& test : kFrames) {
    SCOPED_TRACE(test.name);
    const Bytes input = test.packet.bytes();
    const auto outcome = runner.run(Program::FromUl, input, {.ifindex = devices().underlay});
    expect_outcome(test, input, outcome);
    expect_strip_agrees(runner, input, outcome);
  }
}

// The lengths of the outer header do not bind a merged frame past 64 KB, which has none. A made-up
// one has no GSO type, so the kernel refuses to strip it.
TEST(DecapGso, LengthZeroIsLegalForAMergedFrame) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Packet frame = outer({}, {.src = kPeerVtep, .dst = kVtep, .length = 0}) / inner4();

  const auto outcome =
      runner.run(Program::FromUl, frame.bytes(), {.ifindex = devices().underlay, .gso_size = 1000});

  EXPECT_TRUE(outcome.counted.contains({kVni, VTEP_DECAP_FAILED})) << to_string(outcome.counted);
}

}  // namespace
}  // namespace vtepd::test
