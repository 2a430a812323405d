// SPDX-License-Identifier: GPL-2.0-only
// Frames that rules never log, cut or made up, and those that they do. tests/nft has real ones.
#include "nft/events.h"

#include "vtepd/reasons.h"

#include <vector>

#include <linux/if_ether.h>

#include <gtest/gtest.h>

namespace vtepd::nft {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};

Bytes arp() {
  return {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};
}

Bytes advert(const Bytes& options) {
  Bytes bytes(40);
  bytes[0] = 0x60;
  bytes[6] = 58;
  const Bytes message{136, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 1, 0xd, 0xb8,
                      0,   0, 0, 0, 0,    0, 0, 0, 0,    0, 0,   9};
  bytes.insert(bytes.end(), message.begin(), message.end());
  bytes.insert(bytes.end(), options.begin(), options.end());
  return bytes;
}

LoggedPacket logged(std::uint16_t protocol, const Bytes& bytes) {
  return {.protocol = protocol, .mark = 256, .ifindex = IfIndex{7}, .source = kMac, .bytes = bytes};
}

TEST(AnnouncementIn, GratuitousArp) {
  const auto bytes = arp();
  const auto event = announcement_in(logged(ETH_P_ARP, bytes));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->reason, static_cast<std::uint32_t>(VTEP_ANNOUNCED));
  EXPECT_EQ(event->vni, Vni{256});
  EXPECT_EQ(event->ifindex, IfIndex{7});
  EXPECT_EQ(event->mac, kMac);
  EXPECT_EQ(event->address.to_string(), "192.0.2.1");
}

TEST(AnnouncementIn, OtherArp) {
  auto question = arp();
  question[27] = 2;
  EXPECT_FALSE(announcement_in(logged(ETH_P_ARP, question)));
  Bytes nobody = arp();
  for (const std::size_t at : {14U, 24U}) {
    std::fill_n(nobody.begin() + static_cast<std::ptrdiff_t>(at), 4, std::uint8_t{0});
  }
  EXPECT_FALSE(announcement_in(logged(ETH_P_ARP, nobody)));
}

TEST(AnnouncementIn, AdvertisementWithAndWithoutItsOption) {
  for (const Bytes& options : {Bytes{}, Bytes{14, 1, 0, 0, 0, 0, 0, 0}}) {
    const auto bytes = advert(options);
    const auto event = announcement_in(logged(ETH_P_IPV6, bytes));
    ASSERT_TRUE(event);
    EXPECT_EQ(event->mac, kMac);
    EXPECT_EQ(event->address.to_string(), "2001:db8::9");
  }
  const auto bytes = advert({14, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 7});
  const auto event = announcement_in(logged(ETH_P_IPV6, bytes));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->mac.to_string(), "02:00:00:00:00:07");
}

TEST(AnnouncementIn, OptionWithoutALengthEndsIt) {
  const auto bytes = advert({2, 0, 2, 0, 0, 0, 0, 7});
  EXPECT_FALSE(announcement_in(logged(ETH_P_IPV6, bytes)));
}

TEST(AnnouncementIn, WithoutAnyMac) {
  const auto bytes = advert({});
  auto packet = logged(ETH_P_IPV6, bytes);
  packet.source.reset();
  EXPECT_FALSE(announcement_in(packet));
}

TEST(StrangerIn, Vxlan) {
  Bytes bytes(20 + 8 + 8);
  bytes[0] = 0x45;
  bytes[12] = 198;
  bytes[15] = 3;
  bytes[28] = 8;
  bytes[33] = 1;
  const auto event = stranger_in(logged(ETH_P_IP, bytes));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->reason, static_cast<std::uint32_t>(VTEP_NOT_MEMBER));
  EXPECT_EQ(event->vni, Vni{256});
  EXPECT_EQ(event->address.to_string(), "198.0.0.3");
  bytes[0] = 0x42;
  EXPECT_FALSE(stranger_in(logged(ETH_P_IP, bytes))) << "header too short";
}

// Nothing is read behind the end, whatever is cut off; the sanitizers look on.
TEST(Events, CutAnywhere) {
  const auto whole_arp = arp();
  const auto whole_advert = advert({14, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 7});
  for (std::size_t size = 0; size < whole_advert.size(); ++size) {
    const Bytes part(whole_advert.begin(),
                     whole_advert.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(announcement_in(logged(ETH_P_IPV6, part)).has_value(), size >= 64) << size;
    EXPECT_FALSE(announcement_in(logged(ETH_P_IP, part)));
    EXPECT_EQ(stranger_in(logged(ETH_P_IPV6, part)).has_value(), size >= 56) << size;
  }
  for (std::size_t size = 0; size < whole_arp.size(); ++size) {
    const Bytes part(whole_arp.begin(), whole_arp.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(announcement_in(logged(ETH_P_ARP, part))) << size;
    EXPECT_FALSE(stranger_in(logged(ETH_P_IP, part))) << size;
  }
}

}  // namespace
}  // namespace vtepd::nft
