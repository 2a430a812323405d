// SPDX-License-Identifier: GPL-2.0-only
// What is told as an event, and what is not.
#include "nft/bench.h"
#include "support/packet.h"
#include "vtepd/reasons.h"

#include <vector>

#include <net/if.h>

#include <poll.h>

namespace vtepd::nft::test {
namespace {

using namespace vtepd::test;

const Ip6 kOwn6 = "2001:db8::1";
const Ip6 kListed6 = "2001:db8:1::9";
constexpr std::uint32_t kOverrideFlag = 0x20000000;

Packet arp(const Ip4& sender, const Ip4& target, std::uint16_t operation) {
  return Ethernet{.dst = kBroadcast, .src = kMac1} /
         Arp{.op = operation, .sender_mac = kMac1, .sender = sender, .target = target};
}

Packet advert(const Ip6& target, const Bytes& options, std::uint32_t flags = kOverrideFlag) {
  return Ethernet{.dst = multicast_mac_of("ff02::1"), .src = kMac1} /
         Ipv6{.src = kOwn6, .dst = "ff02::1", .hop_limit = 255} /
         neighbour_advert(target, flags, options);
}

class NftEvents : public NftTest {
 protected:
  void start(const FilterPort& port) {
    NftTest::start(port);
    hidden_.inside([this] { ifindex_ = IfIndex{if_nametoindex(kPort1)}; });
  }

  // Waits for the first, then takes what there is.
  std::vector<DataplaneEvent> events(Milliseconds patience = Seconds(5)) {
    std::vector<DataplaneEvent> all;
    pollfd wait{filter_->events_fd(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(patience.count())) > 0) {
      filter_->consume([&](const DataplaneEvent& event) { all.push_back(event); });
    }
    return all;
  }

  // Sends the frame, and one behind it that is always told; the events in front of that one's.
  std::vector<DataplaneEvent> events_of(const Packet& packet) {
    const RawSender sender(far_, "p1");
    sender.send(packet.bytes());
    sender.send(arp("192.0.2.1", "192.0.2.1", 2).bytes());
    std::vector<DataplaneEvent> before;
    while (true) {
      const auto more = events();
      if (more.empty()) {
        ADD_FAILURE() << "the last announcement was not told";
        return before;
      }
      before.insert(before.end(), more.begin(), more.end());
      if (before.back().address == address("192.0.2.1")) {
        before.pop_back();
        return before;
      }
    }
  }

  IfIndex ifindex_;
};

FilterPort with_floating_addresses() {
  auto port = filter_port(1, true);
  port.addresses.insert(prefix("10.1.0.0/16"));
  port.addresses.insert(prefix("10.9.9.9/32"));
  port.addresses.insert(prefix("2001:db8:1::/48"));
  port.macs.insert(mac_address(Mac(7)));
  return port;
}

TEST_F(NftEvents, AnnouncementsOfAnEndpoint) {
  start(with_floating_addresses());

  struct Case {
    const char* what;
    Packet packet;
    const char* address;
    Mac mac;
  };

  const std::vector<Case> cases{
      {"gratuitous request", arp("10.9.9.9", "10.9.9.9", 1), "10.9.9.9", kMac1},
      {"gratuitous reply", arp("10.1.2.3", "10.1.2.3", 2), "10.1.2.3", kMac1},
      {"advertisement with its MAC", advert(kListed6, nd_option(2, kMac1)), "2001:db8:1::9", kMac1},
      {"with another MAC of its own", advert(kListed6, nd_option(2, Mac(7))), "2001:db8:1::9",
       Mac(7)},
      {"without a MAC", advert(kListed6, {}), "2001:db8:1::9", kMac1},
  };
  for (const auto& one : cases) {
    const auto found = events_of(one.packet);
    ASSERT_EQ(found.size(), 1U) << one.what;
    EXPECT_EQ(found[0].reason, static_cast<std::uint32_t>(VTEP_ANNOUNCED)) << one.what;
    EXPECT_EQ(found[0].vni, kVni) << one.what;
    EXPECT_EQ(found[0].ifindex, ifindex_) << one.what;
    EXPECT_EQ(found[0].mac, mac_address(one.mac)) << one.what;
    EXPECT_EQ(found[0].address, address(one.address)) << one.what;
  }
}

TEST_F(NftEvents, WhatIsNoAnnouncement) {
  start(with_floating_addresses());
  const std::vector<std::pair<const char*, Packet>> cases{
      {"a question", arp("192.0.2.1", "192.0.2.2", 1)},
      {"a question about another of its own", arp("192.0.2.1", "10.9.9.9", 1)},
      {"a probe", arp("0.0.0.0", "192.0.2.1", 1)},
      {"another's address", arp("192.0.2.2", "192.0.2.2", 1)},
      {"a solicited advertisement", advert(kListed6, nd_option(2, kMac1), 0x60000000)},
      {"another's target", advert("2001:db8::2", nd_option(2, kMac1))},
      {"another's MAC", advert(kListed6, nd_option(2, kMac2))},
      {"the link-local address", advert(link_local_of(kMac1), nd_option(2, kMac1))},
  };
  for (const auto& [what, packet] : cases) {
    EXPECT_EQ(events_of(packet).size(), 0U) << what;
  }
}

TEST_F(NftEvents, PortWithoutSourceChecksAnnouncesWhatIsListed) {
  auto port = with_floating_addresses();
  port.checked = false;
  start(port);
  EXPECT_EQ(events_of(arp("10.9.9.9", "10.9.9.9", 1)).size(), 1U);
  EXPECT_EQ(events_of(arp("203.0.113.9", "203.0.113.9", 1)).size(), 0U);
  EXPECT_EQ(events_of(advert(kListed6, {})).size(), 1U);
  EXPECT_EQ(events_of(advert("2001:db8::77", {})).size(), 0U);
}

// 50 at once, then 50 a second, for each port.
TEST_F(NftEvents, AreLimited) {
  start(with_floating_addresses());
  constexpr std::size_t kSent = 1000;
  const RawSender sender(far_, "p1");
  const auto before = Clock::now();
  for (std::size_t i = 0; i < kSent; ++i) {
    sender.send(arp("10.9.9.9", "10.9.9.9", 1).bytes());
  }
  std::size_t told = 0;
  for (auto more = events(); !more.empty(); more = events(Milliseconds(200))) {
    told += more.size();
  }
  const auto seconds = std::chrono::duration_cast<Seconds>(Clock::now() - before).count() + 1;
  EXPECT_GE(told, 50U);
  EXPECT_LE(told, 50U + 50U * static_cast<std::size_t>(seconds));

  const RawSender other(far_, "p2");
  other.send((Ethernet{.dst = kBroadcast, .src = kMac2} /
              Arp{.sender_mac = kMac2, .sender = "192.0.2.2", .target = "192.0.2.2"})
                 .bytes());
  EXPECT_EQ(events().size(), 1U) << "the other port's is not lost by that";
}

TEST_F(NftEvents, SenderThatIsNoMember) {
  start(filter_port(1, true));
  daemon_.ip("link add ul address 02:00:5e:10:00:01 type veth peer name switch netns " +
             far_.name() + "\naddress add 198.51.100.1/24 dev ul\nlink set ul up");
  far_.ip("link set switch up");
  const RawSender sender(far_, "switch");
  const auto send = [&](const char* source) {
    const Ipv4 ip{.src = source, .dst = kVtep};
    sender.send((Ethernet{.dst = Mac(1), .src = Mac(2)} / ip / Udp{.dst = kPort, .checksum = 0} /
                 Vxlan{.vni = kVni.value} / Payload(64))
                    .bytes());
  };
  send("198.51.100.2");
  send("198.51.100.3");

  const auto found = events();

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].reason, static_cast<std::uint32_t>(VTEP_NOT_MEMBER));
  EXPECT_EQ(found[0].vni, kVni);
  EXPECT_EQ(found[0].address, address("198.51.100.3"));
}

}  // namespace
}  // namespace vtepd::nft::test
