// SPDX-License-Identifier: GPL-2.0-only
// What a port may send: each frame with its outcome, and beside it the one that goes through.
#include "nft/bench.h"
#include "support/packet.h"
#include "vtepd/reasons.h"

#include <vector>

namespace vtepd::nft::test {
namespace {

using namespace vtepd::test;

// What becomes of a frame: it arrives at the other port, or is dropped for a reason. NONE: the
// bridge drops it by itself.
constexpr std::uint32_t kArrives = VTEP_LOCAL;

struct Sent {
  const char* what;
  Packet packet;
  std::uint32_t outcome = kArrives;
};

using Cases = std::vector<Sent>;

const Ip6 kOwn6 = "2001:db8::1";
const Ip6 kOther6 = "2001:db8::2";
constexpr std::uint32_t kSolicitedFlag = 0x40000000;
constexpr std::uint32_t kOverrideFlag = 0x20000000;

Packet ethernet(const Mac& source = kMac1, const Mac& destination = kMac2) {
  return Ethernet{.dst = destination, .src = source};
}

Packet arp(const Mac& sender_mac, const Ip4& sender, const Ip4& target = "192.0.2.2",
           std::uint16_t operation = 1) {
  return ethernet() /
         Arp{.op = operation, .sender_mac = sender_mac, .sender = sender, .target = target};
}

Packet ipv6(const Ip6& source, std::uint8_t hop_limit = 255) {
  return ethernet() / Ipv6{.src = source, .dst = kOther6, .hop_limit = hop_limit};
}

// As sent, but without its last bytes.
Packet cut(const Packet& packet, std::size_t bytes) {
  Bytes whole = packet.bytes();
  whole.resize(whole.size() - bytes);
  return Payload(whole);
}

Bytes options(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const auto& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

Bytes nonce() {
  return {14, 1, 1, 2, 3, 4, 5, 6};
}

class NftBridge : public NftTest {
 protected:
  // Sends each from p1; behind it one that arrives, so that it is known when it would have.
  void check(const Cases& cases) {
    const RawSender sender(far_, "p1");
    Capture other(far_, "p2");
    std::uint16_t number = 0;
    for (const auto& sent : cases) {
      const Bytes frame = sent.packet.bytes();
      const Bytes last = (ethernet() / Ipv4{} / Udp{.src = ++number} / Payload(8)).bytes();
      const bool arrives = sent.outcome == kArrives;
      const std::uint64_t counted = arrives ? 2 : sent.outcome == VTEP_NONE ? 0 : 1;
      const auto before = packets(*filter_, sent.outcome);
      sender.send(frame);
      sender.send(last);
      ASSERT_TRUE(wait_until([&] { return other.count(equals(last)) == 1; }, Seconds(5)))
          << sent.what;
      EXPECT_EQ(other.count(equals(frame)), arrives ? 1U : 0U) << sent.what;
      EXPECT_EQ(packets(*filter_, sent.outcome), before + counted) << sent.what;
      other.clear();
    }
  }

  static std::function<bool(const Frame&)> equals(const Bytes& bytes) {
    return [bytes](const Frame& frame) { return !frame.outgoing && frame.bytes == bytes; };
  }
};

TEST_F(NftBridge, SourceMac) {
  auto port = filter_port(1, true);
  port.macs.insert(mac_address(Mac(7)));
  start(port);
  const auto ip = Ipv4{} / Udp{};
  check({
      {"its own", ethernet() / ip},
      {"one allowed", ethernet(Mac(7)) / ip},
      {"the other port's", ethernet(kMac2, kMac1) / ip, VTEP_SPOOF_MAC},
      {"multicast", ethernet(Mac({0x03, 0, 0x5e, 0x10, 0, 1})) / ip, VTEP_NONE},
      {"tagged", ethernet() / Vlan{} / ip, VTEP_VLAN_TAGGED},
      {"priority tag", ethernet() / Vlan{.id = 0} / ip, VTEP_VLAN_TAGGED},
      {"service tag", ethernet() / Vlan{.tpid = 0x88a8} / Vlan{} / ip, VTEP_VLAN_TAGGED},
      {"tagged with another's MAC", ethernet(Mac(3)) / Vlan{} / ip, VTEP_VLAN_TAGGED},
      {"neither IP nor ARP", Ethernet{.dst = kMac2, .src = kMac1, .type = 0x88b5} / Payload(46)},
      {"that with another's MAC",
       Ethernet{.dst = kMac2, .src = Mac(3), .type = 0x88b5} / Payload(46), VTEP_SPOOF_MAC},
  });
}

TEST_F(NftBridge, Ipv4Source) {
  auto port = filter_port(1, false);
  port.addresses.insert(prefix("10.1.0.0/16"));
  port.addresses.insert(prefix("10.1.2.0/24"));
  port.addresses.insert(prefix("10.9.9.9/32"));
  start(port);
  const auto from = [](const Ip4& source, std::uint16_t fragment = 0x4000) {
    return ethernet() / Ipv4{.src = source, .fragment = fragment};
  };
  const auto request = Udp{.src = 68, .dst = 67} / Payload(240);
  check({
      {"its own", from("192.0.2.1") / Udp{}},
      {"a network's first", from("10.1.0.0") / Udp{}},
      {"a network's last", from("10.1.255.255") / Udp{}},
      {"one allowed", from("10.9.9.9") / Tcp{}},
      {"behind the network", from("10.2.0.0") / Udp{}, VTEP_SPOOF_IP},
      {"next to it", from("10.9.9.10") / Udp{}, VTEP_SPOOF_IP},
      {"the other port's", from("192.0.2.2") / Udp{}, VTEP_SPOOF_IP},
      {"fragment of the other port's", from("192.0.2.2", 0x2010) / Payload(32), VTEP_SPOOF_IP},
      {"DHCP request", from("0.0.0.0", 0) / request},
      {"DHCP answer", from("0.0.0.0", 0) / Udp{.src = 67, .dst = 68}, VTEP_SPOOF_IP},
      {"fragment of a DHCP request", from("0.0.0.0", 0x2000) / request, VTEP_SPOOF_IP},
      {"no address", from("0.0.0.0") / Udp{}, VTEP_SPOOF_IP},
      {"with options", ethernet() / Ipv4{.options = {1, 1, 1, 0}} / Udp{}},
      {"of version 6", ethernet() / Ipv4{.version_ihl = 0x65} / Udp{}, VTEP_MALFORMED},
      {"header too short", ethernet() / Ipv4{.version_ihl = 0x44} / Udp{}, VTEP_MALFORMED},
      {"cut within the addresses", cut(from("192.0.2.2"), 6), VTEP_MALFORMED},
      {"empty", Ethernet{.dst = kMac2, .src = kMac1, .type = 0x0800} / Payload(0), VTEP_MALFORMED},
      {"IPv6", ipv6(kOwn6) / Udp{}, VTEP_NO_IPV6},
  });
}

TEST_F(NftBridge, EverySourceOfAnOpenNetwork) {
  auto port = filter_port(1, true);
  port.addresses.insert(prefix("0.0.0.0/0"));
  port.addresses.insert(prefix("::/0"));
  start(port);
  check({
      {"IPv4", ethernet() / Ipv4{.src = "203.0.113.9"} / Udp{}},
      {"no IPv4 address", ethernet() / Ipv4{.src = "0.0.0.0"} / Udp{}},
      {"the last IPv4 address", ethernet() / Ipv4{.src = "255.255.255.255"} / Udp{}},
      {"IPv6", ipv6("2001:db8:ffff::9") / Udp{}},
      {"the last IPv6 address", ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") / Udp{}},
      {"ARP", arp(kMac1, "203.0.113.9")},
      {"another's MAC", ethernet(Mac(3)) / Ipv4{.src = "203.0.113.9"} / Udp{}, VTEP_SPOOF_MAC},
  });
}

TEST_F(NftBridge, ArpSender) {
  auto port = filter_port(1, false);
  port.addresses.insert(prefix("10.1.0.0/16"));
  start(port);
  check({
      {"its own", arp(kMac1, "192.0.2.1")},
      {"reply", arp(kMac1, "192.0.2.1", "192.0.2.2", 2)},
      {"of a network allowed", arp(kMac1, "10.1.3.4")},
      {"probe", arp(kMac1, "0.0.0.0", "192.0.2.1")},
      {"announcement", arp(kMac1, "192.0.2.1", "192.0.2.1")},
      {"reply of nobody", arp(kMac1, "0.0.0.0", "192.0.2.2", 2), VTEP_SPOOF_ARP},
      {"another's MAC within", arp(kMac2, "192.0.2.1"), VTEP_SPOOF_ARP},
      {"another's address", arp(kMac1, "192.0.2.2", "192.0.2.9"), VTEP_SPOOF_ARP},
      {"another's announced", arp(kMac1, "192.0.2.2", "192.0.2.2", 2), VTEP_SPOOF_ARP},
      {"another's probe", arp(kMac2, "0.0.0.0"), VTEP_SPOOF_ARP},
      {"other hardware", ethernet() / Arp{.sender_mac = kMac1, .hardware = 6}, VTEP_MALFORMED},
      {"cut", cut(arp(kMac1, "192.0.2.1"), 2), VTEP_MALFORMED},
  });
}

TEST_F(NftBridge, Ipv6Source) {
  auto port = filter_port(1, true);
  port.addresses.insert(prefix("2001:db8:1::/48"));
  port.addresses.insert(prefix("2001:db8:1:2::/64"));
  start(port);
  const Ip6 none = "::";
  const auto icmp = [](std::uint8_t type) { return Icmpv6{.type = type, .body = Bytes(16)}; };
  check({
      {"its own", ipv6(kOwn6) / Udp{}},
      {"its link-local one", ipv6(link_local_of(kMac1)) / Udp{}},
      {"a network's first", ipv6("2001:db8:1::") / Udp{}},
      {"a network's last", ipv6("2001:db8:1:ffff:ffff:ffff:ffff:ffff") / Tcp{}},
      {"echo", ipv6(kOwn6) / Icmpv6{}},
      {"behind the network", ipv6("2001:db8:2::") / Udp{}, VTEP_SPOOF_IP},
      {"the other port's", ipv6(kOther6) / Udp{}, VTEP_SPOOF_IP},
      {"the other's echo", ipv6(kOther6) / Icmpv6{}, VTEP_SPOOF_IP},
      {"the other's link-local one", ipv6(link_local_of(kMac2)) / Udp{}, VTEP_SPOOF_IP},
      {"the other's behind a header", ipv6(kOther6) / Ipv6Ext{.number = 60} / Udp{}, VTEP_SPOOF_IP},
      {"no address", ipv6(none) / Udp{}, VTEP_SPOOF_IP},
      {"no address, echo", ipv6(none) / Icmpv6{}, VTEP_SPOOF_IP},
      {"no address, MLD report", ipv6(none, 1) / Ipv6Ext{} / icmp(131)},
      {"no address, MLD done", ipv6(none, 1) / Ipv6Ext{} / icmp(132)},
      {"no address, MLDv2 report", ipv6(none, 1) / Ipv6Ext{} / icmp(143)},
      {"no address, MLD query", ipv6(none, 1) / Ipv6Ext{} / icmp(130), VTEP_SPOOF_IP},
      {"chain of headers cut short", ipv6(kOwn6) / Ipv6Ext{.next = 60}, VTEP_MALFORMED},
  });
}

TEST_F(NftBridge, RouterAdvertisement) {
  start(filter_port(1, true));
  const Ipv6Ext first_fragment{.number = 44, .body = {0, 0, 1, 0, 0, 0, 1}};
  const Ipv6Ext later_fragment{.number = 44, .body = {0, 0, 8, 0, 0, 0, 1}};
  const auto redirect = Icmpv6{.type = 137, .body = Bytes(36)};
  check({
      {"advertisement", ipv6(kOwn6) / router_advert(), VTEP_ROUTER_ADVERT},
      {"redirect", ipv6(kOwn6) / redirect, VTEP_ROUTER_ADVERT},
      {"behind a header", ipv6(kOwn6) / Ipv6Ext{} / router_advert(), VTEP_ROUTER_ADVERT},
      {"behind two", ipv6(kOwn6) / Ipv6Ext{} / Ipv6Ext{.number = 60} / router_advert(),
       VTEP_ROUTER_ADVERT},
      {"in a first fragment", ipv6(kOwn6) / first_fragment / router_advert(), VTEP_ROUTER_ADVERT},
      {"what looks like one in a later fragment", ipv6(kOwn6) / later_fragment / router_advert()},
      {"later fragment of the other port's", ipv6(kOther6) / later_fragment / router_advert(),
       VTEP_SPOOF_IP},
      {"later fragment that begins with a header",
       ipv6(kOwn6) / Ipv6Ext{.number = 44, .body = {0, 0, 8, 0, 0, 0, 1}, .next = 60} /
           Payload(16)},
      {"another's MAC",
       Ethernet{.dst = kMac2, .src = Mac(3)} / Ipv6{.src = kOwn6} / router_advert(),
       VTEP_SPOOF_MAC},
      {"solicitation", ipv6(kOwn6) / router_solicit()},
  });
}

TEST_F(NftBridge, NeighbourSolicitation) {
  start(filter_port(1, true));
  const Ip6 none = "::";
  const auto own = nd_option(1, kMac1);
  const auto others = nd_option(1, kMac2);
  const Bytes two_units{14, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  const auto ask = [&](const Bytes& with) {
    return ipv6(kOwn6) / neighbour_solicit(kOther6, with);
  };
  check({
      {"with its MAC", ask(own)},
      {"without", ask({})},
      {"for its own address, from none", ipv6(none) / neighbour_solicit(kOwn6)},
      {"with a nonce", ipv6(none) / neighbour_solicit(kOwn6, nonce())},
      {"with its MAC behind others", ask(options({nonce(), two_units, own}))},
      {"with another's MAC", ask(others), VTEP_SPOOF_ND},
      {"with another's behind others", ask(options({nonce(), two_units, others})), VTEP_SPOOF_ND},
      {"with another's behind its own", ask(options({own, others})), VTEP_SPOOF_ND},
      {"as many options as are looked at", ask(options({own, own, own, own, own}))},
      {"more than that", ask(options({own, own, own, own, own, own})), VTEP_MALFORMED},
      {"option without a length", ask({14, 0, 0, 0, 0, 0, 0, 0}), VTEP_MALFORMED},
      {"MAC of two units", ask({1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), VTEP_MALFORMED},
      {"option that goes on behind the end", ask({14, 2, 0, 0, 0, 0, 0, 0}), VTEP_MALFORMED},
      {"for a group", ipv6(kOwn6) / neighbour_solicit("ff02::1"), VTEP_MALFORMED},
      {"from afar", ipv6(kOwn6, 64) / neighbour_solicit(kOther6), VTEP_MALFORMED},
      {"from another's address", ipv6(kOther6) / neighbour_solicit(kOwn6), VTEP_SPOOF_IP},
      {"behind a header", ipv6(kOwn6) / Ipv6Ext{} / neighbour_solicit(kOther6), VTEP_SPOOF_ND},
      {"without a target", cut(ask({}), 4), VTEP_MALFORMED},
      {"for routers, with its MAC", ipv6(kOwn6) / router_solicit(own)},
      {"for routers, with another's", ipv6(kOwn6) / router_solicit(others), VTEP_SPOOF_ND},
  });
}

TEST_F(NftBridge, NeighbourAdvertisement) {
  auto port = filter_port(1, true);
  port.addresses.insert(prefix("2001:db8:1::/48"));
  start(port);
  const auto own = nd_option(2, kMac1);
  const auto say = [](const Ip6& target, const Bytes& with,
                      std::uint32_t flags = kSolicitedFlag | kOverrideFlag) {
    return ipv6(kOwn6) / neighbour_advert(target, flags, with);
  };
  auto other_code = neighbour_advert(kOwn6, 0, own);
  other_code.code = 1;
  check({
      {"of its own", say(kOwn6, own)},
      {"without a MAC", say(kOwn6, {})},
      {"unsolicited", say(kOwn6, own, kOverrideFlag)},
      {"of a network allowed", say("2001:db8:1::77", own)},
      {"of another's", say(kOther6, own), VTEP_SPOOF_ND},
      {"of another's, unsolicited", say(kOther6, own, kOverrideFlag), VTEP_SPOOF_ND},
      {"with another's MAC", say(kOwn6, nd_option(2, kMac2)), VTEP_SPOOF_ND},
      {"of a group", say("ff02::1", own), VTEP_MALFORMED},
      {"from none", ipv6("::") / neighbour_advert(kOwn6, 0, own), VTEP_SPOOF_IP},
      {"behind a header", ipv6(kOwn6) / Ipv6Ext{} / neighbour_advert(kOwn6, 0, own), VTEP_SPOOF_ND},
      {"of another code", ipv6(kOwn6) / other_code, VTEP_MALFORMED},
  });
}

TEST_F(NftBridge, PortWithoutSourceChecks) {
  auto port = filter_port(1, true);
  port.checked = false;
  start(port);
  const Packet other = ethernet(Mac(3));
  const auto ip6 = Ipv6{.src = "2001:db8::77", .dst = kOther6, .hop_limit = 255};
  check({
      {"another's MAC and address", other / Ipv4{.src = "203.0.113.9"} / Udp{}},
      {"ARP", other / Arp{.op = 2, .sender_mac = Mac(4), .sender = "203.0.113.9"}},
      {"IPv6", other / ip6 / Udp{}},
      {"solicitation", other / ip6 / neighbour_solicit(kOther6, nd_option(1, Mac(4)))},
      {"advertisement", other / ip6 / neighbour_advert("2001:db8::99", 0, nd_option(2, Mac(4)))},
      {"later fragment",
       other / ip6 / Ipv6Ext{.number = 44, .body = {0, 0, 8, 0, 0, 0, 1}} / router_advert()},
      {"router advertisement", other / ip6 / router_advert(), VTEP_ROUTER_ADVERT},
      {"that behind a header", other / ip6 / Ipv6Ext{} / router_advert(), VTEP_ROUTER_ADVERT},
      {"solicitation behind a header", other / ip6 / Ipv6Ext{} / neighbour_solicit(kOther6),
       VTEP_SPOOF_ND},
      {"tagged", other / Vlan{} / Ipv4{} / Udp{}, VTEP_VLAN_TAGGED},
      {"no IPv4", other / Ipv4{.version_ihl = 0x44} / Udp{}, VTEP_MALFORMED},
      {"no Ethernet's ARP", other / Arp{.hardware = 6}, VTEP_MALFORMED},
  });
  port.ipv6 = false;
  must(filter_->apply({.ports_put = {{kPort1, port}}}));
  check({
      {"IPv6 where there is none", other / ip6 / Udp{}, VTEP_NO_IPV6},
      {"IPv4 there", other / Ipv4{.src = "203.0.113.9"} / Udp{}},
  });
}

TEST_F(NftBridge, PortThatNobodyPutSendsNothing) {
  filter_ = open();
  const RawSender sender(far_, "p1");
  Capture other(far_, "p2");
  const Bytes frame = (ethernet() / Ipv4{} / Udp{} / Payload(8)).bytes();
  sender.send(frame);
  ASSERT_TRUE(wait_until([&] { return packets(*filter_, VTEP_NO_PORT, Vni{}) == 1; }, Seconds(5)));
  EXPECT_EQ(other.count(equals(frame)), 0U);

  must(filter_->apply(putting(usual())));
  sender.send(frame);
  EXPECT_TRUE(wait_until([&] { return other.count(equals(frame)) == 1; }, Seconds(5)));

  must(filter_->apply({.ports_remove = {kPort1}}));
  sender.send(frame);
  ASSERT_TRUE(wait_until([&] { return packets(*filter_, VTEP_NO_PORT, Vni{}) == 2; }, Seconds(5)));
  EXPECT_EQ(other.count(equals(frame)), 1U);
}

}  // namespace
}  // namespace vtepd::nft::test
