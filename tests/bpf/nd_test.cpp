// SPDX-License-Identifier: GPL-2.0-only
// Neighbour discovery and other ICMPv6 of endpoints.
#include "bed.h"

namespace vtepd::test {
namespace {

class NdFromEp : public testing::TestWithParam<Case> {};

TEST_P(NdFromEp, IsAnsweredForwardedOrDropped) {
  run_from_ep(GetParam());
}

constexpr std::uint32_t kSolicited = 0x40000000;
constexpr std::uint32_t kOverride = 0x20000000;
const Ip6 kUnspecified = "::";
const Ip6 kAllNodes = "ff02::1";
const Bytes kNonce = {14, 1, 1, 2, 3, 4, 5, 6};

Bytes slla(const Mac& mac) {
  return nd_option(1, mac);
}

Bytes tlla(const Mac& mac) {
  return nd_option(2, mac);
}

Bytes joined(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// To the solicited-node group of the target, as address resolution does.
Packet solicit(const Ip6& src, const Ip6& target, const Bytes& options,
               std::uint8_t hop_limit = 255) {
  const Ip6 group = solicited_node_of(target);
  return Packet(from_a(multicast_mac_of(group))) /
         Ipv6{.src = src, .dst = group, .hop_limit = hop_limit} /
         neighbour_solicit(target, options);
}

Packet answer(const Mac& mac, const Ip6& target, const Ip6& asker) {
  return Packet(Ethernet{.dst = kMacA, .src = mac}) /
         Ipv6{.src = target, .dst = asker, .hop_limit = 255} /
         neighbour_advert(target, kSolicited | kOverride, tlla(mac));
}

Packet advert(const Ip6& target, const Bytes& options, const Mac& dst = kMacB) {
  return Packet(from_a(dst)) / Ipv6{.src = kAddr6A, .dst = kAddr6B, .hop_limit = 255} /
         neighbour_advert(target, kOverride, options);
}

const Packet kDetectionAnswer = Packet(Ethernet{.dst = multicast_mac_of(kAllNodes), .src = kMacR}) /
                                Ipv6{.src = kAddr6R, .dst = kAllNodes, .hop_limit = 255} /
                                neighbour_advert(kAddr6R, kOverride, tlla(kMacR));

const Case kSolicits[] = {
    {"with_source_mac", solicit(kAddr6A, kAddr6R, slla(kMacA)), Verdict::Redirect, VTEP_ND_REPLY,
     answer(kMacR, kAddr6R, kAddr6A)},
    {"without_options", solicit(kAddr6A, kAddr6R, {}), Verdict::Redirect, VTEP_ND_REPLY,
     answer(kMacR, kAddr6R, kAddr6A)},
    {"with_nonce_too", solicit(kAddr6A, kAddr6R, joined(kNonce, slla(kMacA))), Verdict::Redirect,
     VTEP_ND_REPLY, answer(kMacR, kAddr6R, kAddr6A)},
    {"from_link_local", solicit(link_local_of(kMacA), kAddr6B, slla(kMacA)), Verdict::Redirect,
     VTEP_ND_REPLY, answer(kMacB, kAddr6B, link_local_of(kMacA))},
    {"unicast",
     Packet(from_a(kMacR)) / Ipv6{.src = kAddr6A, .dst = kAddr6R, .hop_limit = 255} /
         neighbour_solicit(kAddr6R, slla(kMacA)),
     Verdict::Redirect, VTEP_ND_REPLY, answer(kMacR, kAddr6R, kAddr6A)},
    {"same_netns",
     solicit(kAddr6A, kAddr6R, slla(kMacA)),
     Verdict::Redirect,
     VTEP_ND_REPLY,
     answer(kMacR, kAddr6R, kAddr6A),
     {},
     VTEP_PORT_SAME_NETNS},
    {"detection_of_taken_address", solicit(kUnspecified, kAddr6R, kNonce), Verdict::Redirect,
     VTEP_ND_REPLY, kDetectionAnswer},
    {"detection_without_nonce", solicit(kUnspecified, kAddr6R, {}), Verdict::Redirect,
     VTEP_ND_REPLY, kDetectionAnswer},
    {"detection_of_own_address", solicit(kUnspecified, kAddr6A, kNonce), Verdict::Drop, VTEP_BUM},
    {"detection_of_own_link_local", solicit(kUnspecified, link_local_of(kMacA), kNonce),
     Verdict::Drop, VTEP_BUM},
    {"own_second_address",
     solicit(kAddr6A, "2001:db8::60", {}),
     Verdict::Drop,
     VTEP_BUM,
     {},
     {},
     0,
     [](ProgRunner& runner) { runner.set_neigh(kVni, "2001:db8::60", kMacA); }},
    {"unknown_target", solicit(kAddr6A, "2001:db8::99", slla(kMacA)), Verdict::Drop,
     VTEP_ND_UNKNOWN},
};
INSTANTIATE_TEST_SUITE_P(Solicit, NdFromEp, testing::ValuesIn(kSolicits), kCaseName);

const Case kSpoofs[] = {
    {"solicit_from_alien", solicit("2001:db8::3", kAddr6R, {}), Verdict::Drop, VTEP_SPOOF_IP},
    {"solicit_with_alien_mac", solicit(kAddr6A, kAddr6R, slla(kMacB)), Verdict::Drop,
     VTEP_SPOOF_ND},
    {"solicit_with_alien_mac_behind_nonce", solicit(kAddr6A, kAddr6R, joined(kNonce, slla(kMacB))),
     Verdict::Drop, VTEP_SPOOF_ND},
    {"advert_own", advert(kAddr6A, tlla(kMacA)), Verdict::Redirect, VTEP_LOCAL},
    {"advert_own_link_local", advert(link_local_of(kMacA), tlla(kMacA)), Verdict::Redirect,
     VTEP_LOCAL},
    {"advert_to_all", advert(kAddr6A, tlla(kMacA), multicast_mac_of(kAllNodes)), Verdict::Drop,
     VTEP_BUM},
    {"advert_alien", advert(kAddr6B, tlla(kMacA)), Verdict::Drop, VTEP_SPOOF_ND},
    {"advert_alien_mac", advert(kAddr6A, tlla(kMacB)), Verdict::Drop, VTEP_SPOOF_ND},
    {"advert_alien_unchecked",
     advert(kAddr6B, tlla(kMacB)),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"advert_allowed",
     advert("2001:db8:5::9", tlla(kMacA)),
     Verdict::Redirect,
     VTEP_LOCAL,
     {},
     {},
     VTEP_PORT_ALLOW_ADDR,
     [](ProgRunner& runner) {
       runner.allow(static_cast<std::uint32_t>(devices().port), "2001:db8:5::", 48);
     }},
    {"advert_behind_extension",
     Packet(from_a(kMacB)) / Ipv6{.src = kAddr6A, .dst = kAddr6B, .hop_limit = 255} /
         Ipv6Ext{.number = 60} / neighbour_advert(kAddr6B, kOverride, tlla(kMacA)),
     Verdict::Drop, VTEP_SPOOF_ND},
    {"router_solicit",
     Packet(from_a(multicast_mac_of("ff02::2"))) /
         Ipv6{.src = link_local_of(kMacA), .dst = "ff02::2", .hop_limit = 255} /
         router_solicit(slla(kMacA)),
     Verdict::Drop, VTEP_BUM},
    {"router_solicit_unspecified",
     Packet(from_a(multicast_mac_of("ff02::2"))) /
         Ipv6{.src = kUnspecified, .dst = "ff02::2", .hop_limit = 255} / router_solicit(),
     Verdict::Drop, VTEP_BUM},
    {"router_solicit_alien_mac",
     Packet(from_a(multicast_mac_of("ff02::2"))) /
         Ipv6{.src = link_local_of(kMacA), .dst = "ff02::2", .hop_limit = 255} /
         router_solicit(slla(kMacB)),
     Verdict::Drop, VTEP_SPOOF_ND},
};
INSTANTIATE_TEST_SUITE_P(Spoof, NdFromEp, testing::ValuesIn(kSpoofs), kCaseName);

const Case kBroken[] = {
    {"solicit_hop_limit", solicit(kAddr6A, kAddr6R, slla(kMacA), 254), Verdict::Drop,
     VTEP_MALFORMED},
    {"solicit_option_of_length_zero", solicit(kAddr6A, kAddr6R, {1, 0, 0, 0, 0, 0, 0, 0}),
     Verdict::Drop, VTEP_MALFORMED},
    {"solicit_option_past_the_end", solicit(kAddr6A, kAddr6R, {14, 2, 0, 0, 0, 0, 0, 0}),
     Verdict::Drop, VTEP_MALFORMED},
    {"solicit_with_too_many_options",
     solicit(kAddr6A, kAddr6R,
             [] {
               Bytes many;
               for (int i = 0; i < 9; i++) {
                 many = joined(many, kNonce);
               }
               return many;
             }()),
     Verdict::Drop, VTEP_MALFORMED},
    {"solicit_for_a_group", solicit(kAddr6A, "ff02::99", {}), Verdict::Drop, VTEP_MALFORMED},
    {"solicit_cut_short",
     Packet(from_a(kMacR)) / Ipv6{.src = kAddr6A, .hop_limit = 255} /
         Icmpv6{.type = 135, .body = Bytes(12)},
     Verdict::Drop, VTEP_MALFORMED},
    {"solicit_code",
     Packet(from_a(kMacR)) / Ipv6{.src = kAddr6A, .hop_limit = 255} /
         Icmpv6{.type = 135, .code = 1, .body = Bytes(20)},
     Verdict::Drop, VTEP_MALFORMED},
};
INSTANTIATE_TEST_SUITE_P(Broken, NdFromEp, testing::ValuesIn(kBroken), kCaseName);

Packet routers(const std::vector<Ipv6Ext>& extensions, const Icmpv6& message,
               const Ip6& src = link_local_of(kMacA)) {
  Packet out = Packet(from_a(kMacB)) / Ipv6{.src = src, .dst = kAddr6B, .hop_limit = 255};
  for (const Ipv6Ext& extension : extensions) {
    out = out / extension;
  }
  return out / message;
}

// Number 44, offset in units of 8 bytes.
Ipv6Ext fragment(std::uint16_t offset, bool more) {
  const auto field = static_cast<std::uint16_t>(offset << 3 | (more ? 1 : 0));
  return {.number = 44,
          .body = {0, static_cast<std::uint8_t>(field >> 8), static_cast<std::uint8_t>(field), 0, 0,
                   0, 1}};
}

const Case kRouters[] = {
    {"advert", routers({}, router_advert()), Verdict::Drop, VTEP_ROUTER_ADVERT},
    {"advert_unchecked",
     routers({}, router_advert()),
     Verdict::Drop,
     VTEP_ROUTER_ADVERT,
     {},
     {},
     VTEP_PORT_NO_SOURCE_CHECK},
    {"redirect", routers({}, Icmpv6{.type = 137, .body = Bytes(36)}), Verdict::Drop,
     VTEP_ROUTER_ADVERT},
    {"advert_behind_options", routers({{.number = 0}, {.number = 60}}, router_advert()),
     Verdict::Drop, VTEP_ROUTER_ADVERT},
    {"advert_behind_routing", routers({{.number = 43}}, router_advert()), Verdict::Drop,
     VTEP_ROUTER_ADVERT},
    {"advert_behind_authentication",
     routers({{.number = 51,
               .body = {4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}},
             router_advert()),
     Verdict::Drop, VTEP_ROUTER_ADVERT},
    {"advert_in_first_fragment", routers({fragment(0, true)}, router_advert()), Verdict::Drop,
     VTEP_ROUTER_ADVERT},
    {"first_fragment_ends_before_upper_header",
     Packet(from_a(kMacB)) / Ipv6{.src = kAddr6A, .dst = kAddr6B} / fragment(0, true) /
         Ipv6Ext{.number = 60, .body = {2, 1, 4, 0, 0, 0, 0}, .next = 58},
     Verdict::Drop, VTEP_MALFORMED},
    {"fragment_header_cut_short",
     Packet(from_a(kMacB)) / Ipv6{.src = kAddr6A, .dst = kAddr6B, .next = 44} / Payload(2),
     Verdict::Drop, VTEP_MALFORMED},
    {"later_fragment", routers({fragment(3, false)}, Icmpv6{}, kAddr6A), Verdict::Redirect,
     VTEP_LOCAL},
    {"too_many_extensions", routers(std::vector<Ipv6Ext>(8, {.number = 60}), router_advert()),
     Verdict::Drop, VTEP_MALFORMED},
    {"seven_extensions", routers(std::vector<Ipv6Ext>(7, {.number = 60}), router_advert()),
     Verdict::Drop, VTEP_ROUTER_ADVERT},
    {"echo", routers({}, Icmpv6{.type = 128}), Verdict::Redirect, VTEP_LOCAL},
    {"echo_behind_options", routers({{.number = 60}}, Icmpv6{.type = 128}), Verdict::Redirect,
     VTEP_LOCAL},
    {"echo_unspecified", routers({}, Icmpv6{.type = 128}, kUnspecified), Verdict::Drop,
     VTEP_SPOOF_IP},
    {"multicast_report_unspecified",
     Packet(from_a(multicast_mac_of("ff02::16"))) /
         Ipv6{.src = kUnspecified, .dst = "ff02::16", .hop_limit = 1} / Ipv6Ext{.number = 0} /
         Icmpv6{.type = 143, .body = Bytes(24)},
     Verdict::Drop, VTEP_BUM},
};
INSTANTIATE_TEST_SUITE_P(Routers, NdFromEp, testing::ValuesIn(kRouters), kCaseName);

TEST(NdFromEpAlone, ReplyIsNotSentWhereIpv6IsOff) {
  run_from_ep({"",
               solicit(kAddr6A, kAddr6R, slla(kMacA)),
               Verdict::Drop,
               VTEP_NO_IPV6,
               {},
               {},
               0,
               [](ProgRunner& runner) {
                 vtep_port port = make_port();
                 port.flags &= ~static_cast<std::uint32_t>(VTEP_PORT_IPV6);
                 runner.set_port(static_cast<std::uint32_t>(devices().port), port);
               }});
}

}  // namespace
}  // namespace vtepd::test
