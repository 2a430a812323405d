// SPDX-License-Identifier: GPL-2.0-only
// The builder itself, against frames written out by hand.
#include "support/packet.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

TEST(PacketBuilder, FillsInTypesLengthsAndChecksums) {
  const Packet packet = Packet(Ethernet{.dst = Mac(2), .src = Mac(1)}) / Ipv4{} /
                        Udp{.src = 1, .dst = 2} / Payload(Bytes{0xab, 0xcd, 0xef});
  const Bytes expected = {
      0x02, 0x00, 0x5e, 0x10, 0x00, 0x02, 0x02, 0x00, 0x5e, 0x10, 0x00, 0x01, 0x08, 0x00,  //
      0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0xca,              //
      192,  0,    2,    1,    192,  0,    2,    2,                                         //
      0x00, 0x01, 0x00, 0x02, 0x00, 0x0b, 0xe1, 0x02, 0xab, 0xcd, 0xef};

  EXPECT_EQ("", difference(expected, packet.bytes()));
}

TEST(PacketBuilder, EveryChecksumVerifies) {
  const Bytes echo = (Ipv6{} / Packet(Icmpv6{}) / Payload(5)).bytes();
  Bytes pseudo = {0, 0, 0, static_cast<std::uint8_t>(echo.size() - 40), 0, 0, 0, 58};
  std::copy(echo.begin() + 8, echo.end(), std::back_inserter(pseudo));

  EXPECT_EQ(internet_checksum(pseudo), 0);
  EXPECT_EQ(internet_checksum((Packet(Icmp{}) / Payload(7)).bytes()), 0);
}

TEST(PacketBuilder, GivenValuesStay) {
  const Bytes frame =
      (Packet(Ethernet{.type = 0x1234}) / Ipv4{.length = 7, .checksum = 0xbeef}).bytes();

  EXPECT_EQ(frame[12] << 8 | frame[13], 0x1234);
  EXPECT_EQ(frame[16] << 8 | frame[17], 7);
  EXPECT_EQ(frame[24] << 8 | frame[25], 0xbeef);
}

TEST(PacketBuilder, DifferenceNamesTheOffset) {
  EXPECT_EQ(difference({1, 2, 3}, {1, 2, 3}), "");
  EXPECT_NE(difference({1, 2, 3}, {1, 2, 4}).find("offset 2"), std::string::npos);
  EXPECT_NE(difference({1, 2, 3}, {1, 2}).find("got 2"), std::string::npos);
}

TEST(PacketBuilder, LinkLocalAndSolicitedNode) {
  EXPECT_EQ(link_local_of(Mac(0x0102)).bytes, Ip6("fe80::5eff:fe10:102").bytes);
  EXPECT_EQ(solicited_node_of("2001:db8::a1:b2c3").bytes, Ip6("ff02::1:ffa1:b2c3").bytes);
  EXPECT_EQ(multicast_mac_of("ff02::1:ffa1:b2c3"), Mac({0x33, 0x33, 0xff, 0xa1, 0xb2, 0xc3}));
}

}  // namespace
}  // namespace vtepd::test
