// SPDX-License-Identifier: GPL-2.0-only
#include "nft/rules.h"
#include "vtepd/reasons.h"

#include <array>

namespace vtepd::nft {

namespace {

constexpr std::array kDropped{VTEP_OUTER_OPTIONS, VTEP_OUTER_FRAGMENT, VTEP_VXLAN_FLAGS,
                              VTEP_NOT_MEMBER};

// The VNI is the bytes 12 to 14 behind the UDP header's begin.
constexpr const char* kVni = "@th,96,24";

// In front of defragmentation (priority -400). A first fragment shows the VNI; without it the later
// ones come to nothing.
constexpr const char* kPriority = "-450";

// With one element: VNIs of others are as many as they like.
constexpr const char* kForeignSet =
    "set foreign_vni { type inet_proto; flags dynamic; size 1; counter; }\n";

std::string counting_set(std::uint32_t reason) {
  return "set " + counter_name(reason) + " { typeof " + kVni +
         "; flags dynamic; size 65536; counter; }\n";
}

std::string dropping_chain(std::uint32_t reason) {
  const std::string name = counter_name(reason);
  return "chain drop_" + name + " {\n update @" + name + " { " + kVni + " counter }\n drop\n}\n";
}

// Not a later fragment, which has no UDP header.
std::string entry_rules(const IpAddress& vtep, const std::string& port) {
  const std::string address = vtep.to_string();
  return vtep.is_v4()
             ? " ip daddr " + address + " ip protocol 17 ip frag-off & 0x1fff == 0 udp dport " +
                   port + " goto vxlan\n"
             : " ip6 daddr " + address + " frag frag-off != 0 accept\n ip6 daddr " + address +
                   " meta l4proto 17 udp dport " + port + " goto vxlan\n";
}

std::string outer_rules(bool v4) {
  return v4 ? " ip hdrlength > 5 goto drop_outer_options\n"
              " ip frag-off & 0x2000 != 0 goto drop_outer_fragment\n"
            : " frag more-fragments 1 goto drop_outer_fragment\n";
}

// As bpf/inbound.h: whose VNI it is comes first, then the outer header, then the sender.
std::string chains(const IpAddress& vtep, const std::string& port) {
  const std::string vni = kVni;
  const std::string source = vtep.is_v4() ? "ip saddr" : "ip6 saddr";
  return "chain unknown {\n limit rate 10/second burst 10 packets log group " + port + " snaplen " +
         std::to_string(kLogBytes) +
         "\n goto drop_not_member\n}\n"
         "chain ours {\n" +
         outer_rules(vtep.is_v4()) + " @th,64,8 & 0x08 == 0 goto drop_vxlan_flags\n " + vni +
         " . " + source +
         " @members accept\n goto unknown\n}\n"
         "chain vxlan {\n " +
         vni + " @vnis goto ours\n " + vni +
         " >= 0 update @foreign_vni { meta l4proto counter }\n accept\n}\n"
         "chain prerouting {\n type filter hook prerouting priority " +
         kPriority + "; policy accept;\n" + entry_rules(vtep, port) + "}\n";
}

}  // namespace

std::string underlay_table(const std::string& instance) {
  return "vtepd-" + instance;
}

Layout underlay_layout(const std::string& instance, const IpAddress& vtep, std::uint16_t port) {
  Layout layout{.family = vtep.is_v4() ? "ip" : "ip6", .name = underlay_table(instance)};
  layout.counted.push_back(counter_name(VTEP_FOREIGN_VNI));
  std::string text = std::string("set vnis { typeof ") + kVni + "; }\nset members { typeof " +
                     kVni + " . " + layout.family + " saddr; }\n" + kForeignSet;
  for (const auto reason : kDropped) {
    text += counting_set(reason) + dropping_chain(reason);
    layout.counted.push_back(counter_name(reason));
  }
  layout.text = layout.title() + " {\n" + text + chains(vtep, std::to_string(port)) + "}\n";
  return layout;
}

}  // namespace vtepd::nft
