// SPDX-License-Identifier: GPL-2.0-only
#include "nft/discovery_rules.h"
#include "nft/rules.h"
#include "vtepd/reasons.h"

#include <array>

namespace vtepd::nft {

namespace {

// Raw payload expressions ("@nh,64,48": 48 bits from bit 64 of the network header on) so that one
// set serves a MAC or an address wherever it stands in a frame: nft compares elements of a set with
// expressions of the type only that it was declared with.
constexpr const char* kSets = R"(
map ports { type ifname : mark; }
map wire_vni { type ifname : mark; }
set macs { typeof iifname . @nh,0,48; }
set addrs4 { type ifname . ipv4_addr; }
set nets4 { type ifname . ipv4_addr; flags interval; }
set covered4 { type ifname . ipv4_addr . mark; }
set addrs6 { typeof iifname . @nh,0,128; }
set nets6 { typeof iifname . @nh,0,128; flags interval; }
set covered6 { typeof iifname . @nh,0,128 . meta mark; }
set announcers { type ifname; flags dynamic,timeout; timeout 1m; size 65536; }
)";

constexpr std::array kDropped{VTEP_NO_PORT,     VTEP_MALFORMED, VTEP_SPOOF_MAC,     VTEP_SPOOF_IP,
                              VTEP_SPOOF_ARP,   VTEP_SPOOF_ND,  VTEP_ROUTER_ADVERT, VTEP_NO_IPV6,
                              VTEP_VLAN_TAGGED, VTEP_BUM};
constexpr std::array kForwarded{VTEP_ENCAP, VTEP_DECAP, VTEP_LOCAL, VTEP_ARP_REPLY, VTEP_ND_REPLY};

// An expression that cannot be evaluated, the frame being too short, does not match, whatever it is
// compared with: "@nh,128,32 >= 0" asks whether that is there. So what is allowed comes first and
// the end of every chain drops. Each update stands in a rule of its own, because a full set ends
// the rule.
constexpr const char* kIpv4 = R"(
chain ip4_source {
  iifname . ip saddr @addrs4 accept
  iifname . ip saddr @nets4 accept
  ip saddr 0.0.0.0 ip frag-off & 0x3fff == 0 udp sport 68 udp dport 67 accept
  @nh,128,32 >= 0 goto drop_spoof_ip
  goto drop_malformed
}
chain ip4 {
  @nh,0,8 0x45-0x4f goto ip4_source
  goto drop_malformed
}
chain ip4_open {
  @nh,0,8 0x45-0x4f @nh,128,32 >= 0 accept
  goto drop_malformed
}
)";

// nft cannot compare two fields: an ARP frame is logged if both its addresses are the port's, and
// whoever reads the log sees whether they are the same one.
constexpr const char* kArp = R"(
chain arp_claims {
  iifname . arp daddr ip @addrs4 goto announce
  iifname . arp daddr ip @nets4 goto announce
  accept
}
chain arp_source {
  iifname . @nh,64,48 != @macs goto drop_spoof_arp
  iifname . arp saddr ip @addrs4 goto arp_claims
  iifname . arp saddr ip @nets4 goto arp_claims
  arp operation request arp saddr ip 0.0.0.0 accept
  goto drop_spoof_arp
}
chain arp_checked {
  @nh,0,48 0x000108000604 @nh,192,32 >= 0 goto arp_source
  goto drop_malformed
}
chain arp_listed {
  iifname . arp saddr ip @addrs4 goto arp_claims
  iifname . arp saddr ip @nets4 goto arp_claims
  accept
}
chain arp_open {
  @nh,0,48 0x000108000604 @nh,192,32 >= 0 goto arp_listed
  goto drop_malformed
}
)";

// Answers of the vxlan device itself are addressed to this host, as only frames that the kernel
// makes are; what comes from the wire is for others.
constexpr const char* kWire = R"(
chain answered {
  arp operation reply update @arp_reply { meta mark counter }
  icmpv6 type 136 update @nd_reply { meta mark counter }
  accept
}
chain from_wire {
  meta mark set iifname map @wire_vni
  meta pkttype host goto answered
  ether type { 0x8100, 0x88a8 } goto drop_vlan_tagged
  ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 goto drop_bum
  accept
}
chain to_wire {
  ether type arp meta mark set 0 accept
  icmpv6 type 135 meta mark set 0 accept
  ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 goto drop_bum
  update @encap { meta mark counter }
  meta mark set 0 accept
}
)";

// How a port is checked is not told by a map of verdicts: with every change of one the kernel walks
// through all rules that each of its elements leads to. The mark goes where the frame leaves:
// routing on the underlay may depend on it.
constexpr const char* kHooks = R"(
chain prerouting {
  type filter hook prerouting priority -300; policy drop;
  iifname "vx*" goto from_wire
  meta mark set iifname map @ports meta mark & 0xff000000 vmap { 0x01000000 : goto port4, 0x02000000 : goto port6, 0x03000000 : goto open4, 0x04000000 : goto open6 }
  goto drop_no_port
}
chain forward {
  type filter hook forward priority -200; policy accept;
  oifname "vx*" goto to_wire
  iifname "vx*" update @decap { meta mark counter }
  iifname != "vx*" update @local { meta mark counter }
  meta mark set 0
}
)";

std::string counting_set(std::uint32_t reason) {
  return "set " + counter_name(reason) + " { type mark; flags dynamic; size 65536; counter; }\n";
}

std::string dropping_chain(std::uint32_t reason) {
  const std::string name = counter_name(reason);
  return "chain drop_" + name + " {\n update @" + name + " { meta mark counter }\n drop\n}\n";
}

std::string announce_chain(std::uint16_t group) {
  return "chain announce {\n"
         " update @announcers { iifname limit rate 50/second burst 50 packets } log group " +
         std::to_string(group) + " snaplen " + std::to_string(kLogBytes) + "\n accept\n}\n";
}

// A multicast source MAC does not come so far: the bridge drops it.
std::string entry_chain(const std::string& name, const std::string& mac_check,
                        const std::string& protocols) {
  return "chain " + name +
         " {\n"
         " meta mark set meta mark & 0x00ffffff\n"
         " ether type { 0x8100, 0x88a8 } goto drop_vlan_tagged\n" +
         mac_check + " meta protocol vmap { " + protocols +
         " }\n"
         " accept\n}\n";
}

std::string entry_chains() {
  const std::string check = " iifname . @ll,48,48 != @macs goto drop_spoof_mac\n";
  const std::string checked = "ip : goto ip4, arp : goto arp_checked, ip6 : goto ";
  const std::string open = "ip : goto ip4_open, arp : goto arp_open, ip6 : goto ";
  return entry_chain("port4", check, checked + "drop_no_ipv6") +
         entry_chain("port6", check, checked + "ip6_checked") +
         entry_chain("open4", "", open + "drop_no_ipv6") +
         entry_chain("open6", "", open + "ip6_open");
}

}  // namespace

Layout bridge_layout(std::uint16_t group) {
  Layout layout{.family = "bridge", .name = kBridgeTable, .named_elements = true};
  std::string text = kSets;
  for (const auto reason : kForwarded) {
    text += counting_set(reason);
    layout.counted.push_back(counter_name(reason));
  }
  std::string drops;
  for (const auto reason : kDropped) {
    text += counting_set(reason);
    drops += dropping_chain(reason);
    layout.counted.push_back(counter_name(reason));
  }
  layout.text = "table bridge " + layout.name + " {" + text + drops + announce_chain(group) +
                kIpv4 + kArp + discovery_chains() + entry_chains() + kWire + kHooks + "}\n";
  return layout;
}

}  // namespace vtepd::nft
