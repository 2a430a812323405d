// SPDX-License-Identifier: GPL-2.0-only
// Every bit of the outer headers flipped, on the wire: through whichever programs the mode chains.
// bpf/BitFlips has the verdicts and counters of each program.
#include "support/frames.h"
#include "support/lab.h"

#include <set>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::size_t kOuterBits = 50 * 8;
constexpr std::uint16_t kFirstPort = 20000;
constexpr std::size_t kIp = 14;
constexpr std::size_t kIpChecksum = 24;
constexpr std::size_t kUdp = 34;
constexpr std::size_t kUdpLengthWord = 19;

struct Field {
  const char* name;
  std::size_t bits;
  bool delivered;  // with the outer IPv4 checksum made right again
  // The kernel's own vxlan device looks at the UDP checksum and at reserved bits.
  bool by_kernel = delivered;
};

const Field kFields[] = {
    {"destination MAC", 48, false},
    {"source MAC", 48, true},
    {"EtherType", 16, false},
    {"version and header length", 8, false},
    {"DSCP, ECN", 8, true},
    {"total length", 16, false},
    {"identification", 16, true},
    {"reserved, don't fragment", 2, true},
    {"more fragments, offset", 14, false},
    {"TTL", 8, true},
    {"protocol", 8, false},
    {"IP checksum, which is made right again", 16, true},
    {"source and destination address", 64, false},
    {"UDP source port", 16, true},
    {"UDP destination port", 16, false},
    {"UDP length", 16, false},
    {"UDP checksum", 16, true, false},
    {"VXLAN reserved flags", 4, true, false},
    {"VXLAN flag I", 1, false},
    {"VXLAN reserved", 27, true, false},
    {"VNI", 24, false},
    {"VXLAN reserved, the last", 8, true, false},
};

void mend(Bytes& frame) {
  frame.at(kIpChecksum) = frame.at(kIpChecksum + 1) = 0;
  const std::uint16_t sum = internet_checksum(Bytes(frame.begin() + kIp, frame.begin() + kUdp));
  frame.at(kIpChecksum) = static_cast<std::uint8_t>(sum >> 8U);
  frame.at(kIpChecksum + 1) = static_cast<std::uint8_t>(sum);
}

// The bit of the frame that arrived, told by the inner source port.
std::uint16_t bit_of(const Frame& frame) {
  return static_cast<std::uint16_t>(frame.u16(kUdp) - kFirstPort);
}

TEST(Flips, EachOuterBitLeadsWhereTheTableSays) {
  Pair pair;
  const Container& other = pair.lab.host(1).attach("blue", "192.168.7.99", {"--wait"});
  const Capture arrival(pair.a->netns, "eth0");
  const Capture elsewhere(other.netns, "eth0");
  const RawSender sender(pair.lab.underlay(), "h1");
  const Outer outer{.dst_mac = mac_of(pair.lab.host(1).mac()),
                    .src_mac = mac_of(pair.lab.host(2).mac()),
                    .src = "10.99.0.2",
                    .dst = "10.99.0.1",
                    .vni = pair.lab.vni("blue")};
  const auto inner = [&](std::size_t bit) {
    return datagram(*pair.b, *pair.a, static_cast<std::uint16_t>(kFirstPort + bit), 50);
  };
  std::set<std::size_t> expected{kOuterBits};  // the twin: nothing flipped, sent last

  std::size_t bit = 0;
  for (const Field& field : kFields) {
    for (const std::size_t end = bit + field.bits; bit < end; ++bit) {
      Bytes frame = encapsulated(outer, inner(bit));
      frame.at(bit / 8) = static_cast<std::uint8_t>(frame.at(bit / 8) ^ 0x80U >> bit % 8);
      mend(frame);
      sender.send(frame);
      if (on_kernel_path() ? field.by_kernel : field.delivered) {
        expected.insert(bit);
      }
    }
  }
  ASSERT_EQ(bit, kOuterBits) << "the table is the whole outer header";
  sender.send(encapsulated(outer, inner(kOuterBits)));
  std::set<std::size_t> arrived;
  const auto ours = [&](const Frame& frame) {
    return frame.ether_type() == 0x0800 && frame.u16(kUdp) >= kFirstPort &&
           bit_of(frame) <= kOuterBits;
  };
  const auto twin = [&](const Frame& frame) { return ours(frame) && bit_of(frame) == kOuterBits; };
  EXPECT_TRUE(wait_until([&] { return arrival.count(twin) > 0; }, Seconds(5)));
  for (const Frame& frame : arrival.frames(ours)) {
    if (on_kernel_path() && bit_of(frame) / 16 == kUdpLengthWord) {
      continue;  // the kernel goes by the shorter of the two lengths
    }
    EXPECT_EQ(frame.bytes, inner(bit_of(frame))) << "bit " << bit_of(frame);
    EXPECT_TRUE(arrived.insert(bit_of(frame)).second) << "twice: bit " << bit_of(frame);
  }
  EXPECT_EQ(arrived, expected);
  EXPECT_EQ(elsewhere.count(ours), 0U);
  EXPECT_TRUE(arrival.complete() && elsewhere.complete());
}

}  // namespace
}  // namespace vtepd::test
