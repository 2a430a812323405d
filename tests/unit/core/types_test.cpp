// SPDX-License-Identifier: GPL-2.0-only
#include "core/types.h"

#include "core/object_id.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

TEST(Vni, AcceptsTwentyFourBitsWithoutZero) {
  EXPECT_TRUE(Vni::create(1));
  EXPECT_TRUE(Vni::create(16777215));
  EXPECT_FALSE(Vni::create(0));
  EXPECT_FALSE(Vni::create(16777216));
}

TEST(MacAddress, RoundTripsInEitherCase) {
  const auto mac = MacAddress::parse("02:42:C0:a8:00:fF");
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->to_string(), "02:42:c0:a8:00:ff");
}

TEST(MacAddress, RefusesEveryOtherForm) {
  for (const auto* text : {"", "02:42:c0:a8:00", "02:42:c0:a8:00:0", "02:42:c0:a8:00:0g",
                           "02-42-c0-a8-00-02", "02:42:c0:a8:00:02:", "0242c0a80002xxxxx"}) {
    EXPECT_FALSE(MacAddress::parse(text)) << text;
  }
}

TEST(MacAddress, UnicastRefusesGroupAndZero) {
  EXPECT_TRUE(MacAddress::parse_unicast("02:00:00:00:00:01"));
  EXPECT_FALSE(MacAddress::parse_unicast("01:00:5e:00:00:01"));
  EXPECT_FALSE(MacAddress::parse_unicast("ff:ff:ff:ff:ff:ff"));
  EXPECT_FALSE(MacAddress::parse_unicast("00:00:00:00:00:00"));
}

TEST(IpAddress, KeepsTheFamilyApart) {
  const auto four = IpAddress::parse("192.0.2.1");
  const auto six = IpAddress::parse("2001:db8::1");
  ASSERT_TRUE(four && six);
  EXPECT_TRUE(four->is_v4());
  EXPECT_EQ(four->to_v4(), 0xc0000201U);
  EXPECT_FALSE(six->is_v4());
  EXPECT_EQ(four->to_string(), "192.0.2.1");
  EXPECT_EQ(six->to_string(), "2001:db8::1");
  EXPECT_FALSE(IpAddress::parse("::ffff:192.0.2.1")) << "one spelling per address";
  EXPECT_FALSE(IpAddress::parse("192.0.2"));
  EXPECT_FALSE(IpAddress::parse(""));
}

TEST(IpAddress, KnowsSpecialOnes) {
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("224.0.0.1")->is_multicast());
  EXPECT_TRUE(IpAddress::parse("ff02::1")->is_multicast());
  EXPECT_FALSE(IpAddress::parse("223.255.255.255")->is_multicast());
}

TEST(IpPrefix, ContainsByItsLengthOnly) {
  const auto prefix = IpPrefix::parse("192.0.2.128/25");
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("192.0.2.128")));
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("192.0.2.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("192.0.2.127")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_FALSE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("192.0.2.1")));
  EXPECT_TRUE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("192.0.2.1")));
}

TEST(IpPrefix, OverlapsWhenOneHoldsTheOther) {
  const auto big = *IpPrefix::parse("10.0.0.0/8");
  const auto small = *IpPrefix::parse("10.1.2.0/24");
  EXPECT_TRUE(big.overlaps(small));
  EXPECT_TRUE(small.overlaps(big));
  EXPECT_FALSE(small.overlaps(*IpPrefix::parse("10.1.3.0/24")));
}

TEST(IpPrefix, NetworkClearsHostBits) {
  EXPECT_EQ(IpPrefix::parse("10.1.2.3/20")->network().to_string(), "10.1.0.0/20");
  EXPECT_EQ(IpPrefix::parse("10.1.2.3/32")->network().to_string(), "10.1.2.3/32");
  EXPECT_EQ(IpPrefix::parse("2001:db8:1:2::5/61")->network().to_string(), "2001:db8:1::/61");
}

TEST(IpPrefix, RefusesBadLengths) {
  for (const auto* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
                           "10.0.0.0/8x", "2001:db8::/129", "/24"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

TEST(DockerMac, IsTheAddressBehind0242) {
  EXPECT_EQ(docker_mac(*IpAddress::parse("192.168.0.100")).to_string(), "02:42:c0:a8:00:64");
}

TEST(ObjectId, RoundTripsDockersForm) {
  const std::string text = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  const auto id = ObjectId::parse(text);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->to_string(), text);
  EXPECT_FALSE(ObjectId::parse(text.substr(1)));
  EXPECT_FALSE(ObjectId::parse(std::string(64, 'A')));
}

}  // namespace
}  // namespace vtepd
