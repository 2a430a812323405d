// SPDX-License-Identifier: GPL-2.0-only
// Every single bit of a valid frame flipped, once as it is and once with the outer IPv4 checksum
// made right again: the table says for each field what becomes of the frame.
#include "bed.h"

#include <algorithm>

namespace vtepd::test {
namespace {

// VTEP_NONE: passed, untouched and uncounted.
struct Field {
  const char* name;
  std::size_t bits;
  vtep_reason raw;     // the checksum is left as it was
  vtep_reason mended;  // it is that of the flipped header
};

// In the order of the wire. What the checksum does not cover has one outcome twice.
const Field kFields[] = {
    {"outer destination MAC: another host", 48, VTEP_NONE, VTEP_NONE},
    {"outer source MAC: means nothing", 48, VTEP_DECAP, VTEP_DECAP},
    {"outer EtherType: not IPv4", 16, VTEP_NONE, VTEP_NONE},
    {"IP version", 4, VTEP_NONE, VTEP_NONE},
    {"IP header length: no port of ours where UDP then begins", 4, VTEP_NONE, VTEP_NONE},
    {"DSCP", 6, VTEP_OUTER_CHECKSUM, VTEP_DECAP},
    {"ECN: only CE, two bits, would matter to this inner packet", 2, VTEP_OUTER_CHECKSUM,
     VTEP_DECAP},
    {"IP total length", 16, VTEP_OUTER_CHECKSUM, VTEP_OUTER_LENGTH},
    {"IP identification", 16, VTEP_OUTER_CHECKSUM, VTEP_DECAP},
    {"IP reserved flag", 1, VTEP_OUTER_CHECKSUM, VTEP_DECAP},
    {"don't fragment", 1, VTEP_OUTER_CHECKSUM, VTEP_DECAP},
    {"more fragments", 1, VTEP_OUTER_CHECKSUM, VTEP_OUTER_FRAGMENT},
    {"fragment offset: no UDP header in it", 13, VTEP_NONE, VTEP_NONE},
    {"TTL", 8, VTEP_OUTER_CHECKSUM, VTEP_DECAP},
    {"protocol", 8, VTEP_NONE, VTEP_NONE},
    {"IP checksum", 16, VTEP_OUTER_CHECKSUM, VTEP_DECAP},
    {"outer source address", 32, VTEP_OUTER_CHECKSUM, VTEP_NOT_MEMBER},
    {"outer destination address", 32, VTEP_NONE, VTEP_NONE},
    {"UDP source port", 16, VTEP_DECAP, VTEP_DECAP},
    {"UDP destination port", 16, VTEP_NONE, VTEP_NONE},
    {"UDP length", 16, VTEP_OUTER_LENGTH, VTEP_OUTER_LENGTH},
    {"UDP checksum: not verified, the inner ones are", 16, VTEP_DECAP, VTEP_DECAP},
    {"VXLAN reserved flags, upper", 4, VTEP_DECAP, VTEP_DECAP},
    {"VXLAN flag I", 1, VTEP_VXLAN_FLAGS, VTEP_VXLAN_FLAGS},
    {"VXLAN reserved flags, lower", 3, VTEP_DECAP, VTEP_DECAP},
    {"VXLAN reserved, behind the flags", 24, VTEP_DECAP, VTEP_DECAP},
    {"VNI", 24, VTEP_FOREIGN_VNI, VTEP_FOREIGN_VNI},
    {"VXLAN reserved, behind the VNI", 8, VTEP_DECAP, VTEP_DECAP},
    {"inner destination MAC", 7, VTEP_NOT_LOCAL, VTEP_NOT_LOCAL},
    {"inner destination MAC, group bit", 1, VTEP_BUM, VTEP_BUM},
    {"inner destination MAC, the rest", 40, VTEP_NOT_LOCAL, VTEP_NOT_LOCAL},
    {"inner source MAC", 7, VTEP_DECAP, VTEP_DECAP},
    {"inner source MAC, group bit", 1, VTEP_INNER_MALFORMED, VTEP_INNER_MALFORMED},
    {"inner source MAC, the rest", 40, VTEP_DECAP, VTEP_DECAP},
    {"inner EtherType: the endpoint's business", 16, VTEP_DECAP, VTEP_DECAP},
    {"inner IPv4 header: likewise", 160, VTEP_DECAP, VTEP_DECAP},
    {"inner UDP header: likewise", 64, VTEP_DECAP, VTEP_DECAP},
    {"inner payload: likewise", 144, VTEP_DECAP, VTEP_DECAP},
};

constexpr std::size_t kIp = 14;
constexpr std::size_t kIpChecksum = 24;
constexpr std::size_t kUdp = 34;
constexpr std::size_t kVniOffset = 46;

void flip(Bytes& frame, std::size_t bit) {
  frame.at(bit / 8) = static_cast<std::uint8_t>(frame.at(bit / 8) ^ 0x80U >> bit % 8);
}

void mend(Bytes& frame) {
  frame.at(kIpChecksum) = frame.at(kIpChecksum + 1) = 0;
  const std::uint16_t sum = internet_checksum(Bytes(frame.begin() + kIp, frame.begin() + kUdp));
  frame.at(kIpChecksum) = static_cast<std::uint8_t>(sum >> 8);
  frame.at(kIpChecksum + 1) = static_cast<std::uint8_t>(sum);
}

std::uint32_t vni_of(const Bytes& frame) {
  return static_cast<std::uint32_t>(frame.at(kVniOffset) << 16 | frame.at(kVniOffset + 1) << 8 |
                                    frame.at(kVniOffset + 2));
}

Bytes inner_of(const Bytes& frame) {
  return {frame.begin() + VTEP_OVERHEAD4, frame.end()};
}

// Verdict, bytes, the one counter and the network it counts in.
void expect_reason(vtep_reason reason, const Bytes& frame, const Outcome& outcome) {
  const bool passed = reason == VTEP_NONE || reason == VTEP_FOREIGN_VNI;
  const Verdict verdict = passed                 ? Verdict::Next
                          : reason == VTEP_DECAP ? Verdict::Redirect
                                                 : Verdict::Drop;
  EXPECT_EQ(static_cast<int>(verdict), static_cast<int>(outcome.verdict));
  const Bytes expected = reason == VTEP_DECAP ? inner_of(frame) : frame;
  EXPECT_EQ("", difference(expected, outcome.frame));
  std::map<CounterKey, vtep_counter> counted;
  if (reason == VTEP_FOREIGN_VNI) {
    counted[{0, reason}] = {1, frame.size()};
  } else if (reason != VTEP_NONE) {
    counted[{vni_of(frame), reason}] = {1, expected.size()};
  }
  EXPECT_EQ(to_string(counted), to_string(outcome.counted));
}

void expect_field(ProgRunner& runner, const Field& field, std::size_t begin) {
  const Bytes whole = (outer() / inner_udp()).bytes();
  for (std::size_t bit = begin; bit < begin + field.bits; bit++) {
    for (const bool mended : {false, true}) {
      SCOPED_TRACE(std::string(field.name) + (mended ? ", mended" : ", raw") + ", byte " +
                   std::to_string(bit / 8) + " bit " + std::to_string(bit % 8));
      Bytes frame = whole;
      flip(frame, bit);
      if (mended) {
        mend(frame);
      }
      const auto outcome = runner.run(Program::FromUl, frame, {.ifindex = devices().underlay});
      expect_reason(mended ? field.mended : field.raw, frame, outcome);
      expect_strip_agrees(runner, frame, outcome);
    }
  }
}

TEST(BitFlips, LeadToWhatTheTableSaysOfTheirField) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  std::size_t bit = 0;

  for (const Field& field : kFields) {
    expect_field(runner, field, bit);
    bit += field.bits;
  }

  EXPECT_EQ(bit, 8 * (outer() / inner_udp()).bytes().size()) << "the table is the whole frame";
}

// With every VNI and MAC that one flip leads to in use here, the flip is delivered where its own
// field says and no other flip leads there.
TEST(BitFlips, ChangeNetworkAndEndpointOnlyInTheirOwnFields) {
  constexpr std::size_t kVniBit = kVniOffset * 8;
  constexpr std::size_t kMacBit = 50 * 8;
  const Bytes whole = (outer() / inner_udp()).bytes();
  ProgRunner runner(make_config());
  fill_maps(runner);
  for (std::uint32_t bit = 1; bit < 1U << 24; bit <<= 1) {
    runner.set_vni(kVni ^ bit, {.mtu = kMtu, .unknown = 0, .bum = 0, .dscp = 0, .pad = {}});
    runner.set_member(kVni ^ bit, kPeerVtep);
    runner.set_fdb(kVni ^ bit, kMacA, {.vtep = 0, .ifindex = kLocalIfindex, .flags = 0});
  }
  for (std::size_t bit = kMacBit; bit < kMacBit + 48; bit++) {
    Bytes frame = whole;
    flip(frame, bit);
    Mac mac;
    std::copy_n(frame.begin() + 50, 6, mac.bytes.begin());
    runner.set_fdb(kVni, mac, {.vtep = 0, .ifindex = kLocalIfindex, .flags = 0});
  }

  std::size_t elsewhere = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); bit++) {
    SCOPED_TRACE("byte " + std::to_string(bit / 8) + " bit " + std::to_string(bit % 8));
    Bytes frame = whole;
    flip(frame, bit);
    mend(frame);
    const auto outcome = runner.run(Program::FromUl, frame, {.ifindex = devices().underlay});
    const bool in_vni = bit >= kVniBit && bit < kVniBit + 24;
    const bool in_mac = bit >= kMacBit && bit < kMacBit + 48;
    const bool group = bit == kMacBit + 7;
    if (outcome.verdict == Verdict::Redirect) {
      expect_reason(VTEP_DECAP, frame, outcome);
      EXPECT_EQ(vni_of(frame) != kVni, in_vni);
      EXPECT_EQ(!std::equal(kMacA.bytes.begin(), kMacA.bytes.end(), outcome.frame.begin()), in_mac);
      elsewhere += in_vni || in_mac ? 1 : 0;
    } else {
      EXPECT_TRUE(group || !(in_vni || in_mac));
    }
  }
  EXPECT_EQ(elsewhere, 24U + 47U);
}

}  // namespace
}  // namespace vtepd::test
