// SPDX-License-Identifier: GPL-2.0-only
// ARP of endpoints: what they may say, and the answers.
#include "bed.h"

namespace vtepd::test {
namespace {

class ArpFromEp : public testing::TestWithParam<Case> {};

TEST_P(ArpFromEp, IsAnsweredForwardedOrDropped) {
  run_from_ep(GetParam());
}

Packet request(const Ip4& sender, const Ip4& target, const Mac& dst = kBroadcast,
               const Mac& sender_mac = kMacA) {
  return Packet(from_a(dst)) /
         Arp{.op = 1, .sender_mac = sender_mac, .sender = sender, .target = target};
}

Packet reply(const Mac& mac, const Ip4& sender, const Ip4& target) {
  return Packet(Ethernet{.dst = kMacA, .src = mac}) /
         Arp{.op = 2, .sender_mac = mac, .sender = sender, .target_mac = kMacA, .target = target};
}

Packet from_ep_reply(const Mac& dst, const Mac& sender_mac, const Ip4& sender) {
  return Packet(from_a(dst)) /
         Arp{.op = 2, .sender_mac = sender_mac, .sender = sender, .target_mac = dst};
}

const Case kRequests[] = {
    {"remote_target", request(kAddrA, kAddrR), Verdict::Redirect, VTEP_ARP_REPLY,
     reply(kMacR, kAddrR, kAddrA)},
    {"local_target", request(kAddrA, kAddrB), Verdict::Redirect, VTEP_ARP_REPLY,
     reply(kMacB, kAddrB, kAddrA)},
    {"padded_request_keeps_its_padding", request(kAddrA, kAddrR) / Payload(18), Verdict::Redirect,
     VTEP_ARP_REPLY, reply(kMacR, kAddrR, kAddrA) / Payload(18)},
    {"unicast_request", request(kAddrA, kAddrR, kMacR), Verdict::Redirect, VTEP_ARP_REPLY,
     reply(kMacR, kAddrR, kAddrA)},
    {"same_netns",
     request(kAddrA, kAddrR),
     Verdict::Redirect,
     VTEP_ARP_REPLY,
     reply(kMacR, kAddrR, kAddrA),
     {},
     VTEP_PORT_SAME_NETNS},
    {"unknown_target", request(kAddrA, "192.0.2.99"), Verdict::Drop, VTEP_ARP_UNKNOWN},
    {"unknown_target_unicast", request(kAddrA, "192.0.2.99", kMacR), Verdict::Drop,
     VTEP_ARP_UNKNOWN},
    {"target_known_in_another_vni",
     request(kAddrA, "192.0.2.50"),
     Verdict::Drop,
     VTEP_ARP_UNKNOWN,
     {},
     {},
     0,
     [](ProgRunner& runner) { runner.set_neigh(kForeignVni, Ip6(Ip4("192.0.2.50")), kMacR); }},
    {"probe_for_taken_address", request("0.0.0.0", kAddrR), Verdict::Redirect, VTEP_ARP_REPLY,
     reply(kMacR, kAddrR, "0.0.0.0")},
    {"probe_for_own_address", request("0.0.0.0", kAddrA), Verdict::Drop, VTEP_BUM},
    {"gratuitous_request", request(kAddrA, kAddrA), Verdict::Drop, VTEP_BUM},
    {"announces_an_address_that_is_elsewhere",
     request("198.51.100.9", "198.51.100.9"),
     Verdict::Drop,
     VTEP_ANNOUNCED,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) {
       runner.allow(static_cast<std::uint32_t>(devices().port), Ip6(Ip4("198.51.100.9")), 128);
       runner.set_neigh(kVni, Ip6(Ip4("198.51.100.9")), kMacR);
     }},
    {"announces_an_address_whose_mac_is_on_another_host",
     request("198.51.100.9", "198.51.100.9"),
     Verdict::Drop,
     VTEP_ANNOUNCED,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) {
       runner.allow(static_cast<std::uint32_t>(devices().port), Ip6(Ip4("198.51.100.9")), 128);
       runner.set_neigh(kVni, Ip6(Ip4("198.51.100.9")), kMacA);
       runner.set_fdb(kVni, kMacA, {.vtep = kPeerId, .ifindex = 0, .flags = 0});
     }},
    {"announces_an_address_whose_mac_is_at_another_port",
     request("198.51.100.9", "198.51.100.9"),
     Verdict::Drop,
     VTEP_ANNOUNCED,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) {
       runner.allow(static_cast<std::uint32_t>(devices().port), Ip6(Ip4("198.51.100.9")), 128);
       runner.set_neigh(kVni, Ip6(Ip4("198.51.100.9")), kMacA);
       runner.set_fdb(kVni, kMacA, {.vtep = 0, .ifindex = kLocalIfindex, .flags = 0});
     }},
    {"announces_an_address_that_is_here",
     request("198.51.100.9", "198.51.100.9"),
     Verdict::Drop,
     VTEP_BUM,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) {
       runner.allow(static_cast<std::uint32_t>(devices().port), Ip6(Ip4("198.51.100.9")), 128);
       runner.set_neigh(kVni, Ip6(Ip4("198.51.100.9")), kMacA);
     }},
    {"announces_an_address_that_is_not_allowed", request("198.51.100.9", "198.51.100.9"),
     Verdict::Drop, VTEP_SPOOF_ARP},
    {"unchecked_port_announces_nothing",
     request("198.51.100.9", "198.51.100.9"),
     Verdict::Drop,
     VTEP_BUM,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"own_second_address",
     request(kAddrA, "192.0.2.60"),
     Verdict::Drop,
     VTEP_BUM,
     {},
     {},
     0,
     [](ProgRunner& runner) { runner.set_neigh(kVni, Ip6(Ip4("192.0.2.60")), kMacA); }},
};
INSTANTIATE_TEST_SUITE_P(Request, ArpFromEp, testing::ValuesIn(kRequests), kCaseName);

const Case kSenders[] = {
    {"alien_address", request("192.0.2.3", kAddrR), Verdict::Drop, VTEP_SPOOF_ARP},
    {"alien_mac", request(kAddrA, kAddrR, kBroadcast, kMacB), Verdict::Drop, VTEP_SPOOF_ARP},
    {"alien_unchecked",
     request("192.0.2.3", kAddrR),
     Verdict::Redirect,
     VTEP_ARP_REPLY,
     reply(kMacR, kAddrR, "192.0.2.3"),
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"allowed_address",
     request("198.51.100.9", kAddrR),
     Verdict::Redirect,
     VTEP_ARP_REPLY,
     reply(kMacR, kAddrR, "198.51.100.9"),
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) {
       runner.allow(static_cast<std::uint32_t>(devices().port), Ip6(Ip4("198.51.100.9")), 128);
     }},
    {"reply_to_local", from_ep_reply(kMacB, kMacA, kAddrA), Verdict::Redirect, VTEP_LOCAL},
    {"gratuitous_reply", from_ep_reply(kBroadcast, kMacA, kAddrA), Verdict::Drop, VTEP_BUM},
    {"spoofed_reply", from_ep_reply(kMacB, kMacA, kAddrR), Verdict::Drop, VTEP_SPOOF_ARP},
    {"reply_with_alien_mac", from_ep_reply(kMacB, kMacR, kAddrA), Verdict::Drop, VTEP_SPOOF_ARP},
    {"reply_from_no_address", from_ep_reply(kMacB, kMacA, "0.0.0.0"), Verdict::Drop,
     VTEP_SPOOF_ARP},
    {"other_hardware",
     Packet(from_a(kBroadcast)) / Arp{.sender_mac = kMacA, .sender = kAddrA, .hardware = 6},
     Verdict::Drop, VTEP_MALFORMED},
    {"cut_short", Packet(from_a(kBroadcast)) / Payload(Bytes{0, 1, 8, 0}), Verdict::Drop, VTEP_BUM},
    {"arp_cut_short",
     Packet(Ethernet{.dst = kBroadcast, .src = kMacA, .type = 0x0806}) / Payload(27), Verdict::Drop,
     VTEP_MALFORMED},
};
INSTANTIATE_TEST_SUITE_P(Sender, ArpFromEp, testing::ValuesIn(kSenders), kCaseName);

TEST(ArpFromEpUnicast, ReplyToARemoteEndpointIsEncapsulatedWithItsEtherType) {
  const Packet frame = from_ep_reply(kMacR, kMacA, kAddrA);
  Packet out = Packet(Ethernet{.dst = kMacR, .src = kMacA}) / Ipv4{.src = kVtep, .dst = kPeerVtep} /
               Udp{.dst = kPort, .checksum = 0} / Vxlan{};

  run_from_ep({"", frame, Verdict::Redirect, VTEP_ENCAP, out / frame});
}

TEST(ArpFromEpEvents, UnknownTargetIsNamed) {
  ProgRunner runner(make_config());
  fill_maps(runner);

  runner.run(Program::FromEp, request(kAddrA, "192.0.2.99").bytes(), {.ifindex = devices().port});

  const auto events = runner.events();
  ASSERT_EQ(events.size(), 1U);
  const Ip6 asked(Ip4("192.0.2.99"));
  EXPECT_EQ(events[0].reason, static_cast<__u32>(VTEP_ARP_UNKNOWN));
  EXPECT_TRUE(std::equal(asked.bytes.begin(), asked.bytes.end(), events[0].addr));
}

TEST(ArpFromEpEvents, AnAnnouncementIsToldOnceInAWhile) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  runner.set_neigh(kVni, Ip6(Ip4(kAddrA)), kMacR);  // somebody took it over

  for (int i = 0; i < 3; ++i) {
    runner.run(Program::FromEp, request(kAddrA, kAddrA).bytes(), {.ifindex = devices().port});
  }

  const auto events = runner.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].reason, static_cast<__u32>(VTEP_ANNOUNCED));
  EXPECT_TRUE(std::equal(kMacA.bytes.begin(), kMacA.bytes.end(), events[0].mac));
}

}  // namespace
}  // namespace vtepd::test
