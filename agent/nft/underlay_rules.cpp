// SPDX-License-Identifier: GPL-2.0-only
#include "nft/rules.h"
#include "vtepd/reasons.h"

#include <array>
#include <utility>

namespace vtepd::nft {

namespace {

constexpr std::array kDropped{VTEP_OUTER_OPTIONS, VTEP_OUTER_FRAGMENT, VTEP_VXLAN_FLAGS,
                              VTEP_NOT_MEMBER, VTEP_GUARD};

// In these texts VTEP, PORT and FAMILY stand for what they name, VNI for where it is in a frame:
// the bytes 12 to 14 from the UDP header on.
//
// A set whose name ends with _0 counts, in its one element, what is counted for no VNI: those of
// others are as many as they like.
constexpr const char* kSets = R"(
set vnis { typeof VNI; }
set members { typeof VNI . FAMILY saddr; }
set foreign_vni_0 { type inet_proto; flags dynamic; size 1; counter; }
set outer_fragment_0 { type inet_proto; flags dynamic; size 1; counter; }
)";

// As bpf/inbound.h: whose VNI it is comes first, then the outer header, then the sender. A first
// fragment that does not show its VNI is nobody's: no sender has such a small MTU, and put together
// it would come in unchecked. The kernel's socket takes what comes to any address of the host, and
// the vxlan devices go by the VNI only.
constexpr const char* kChains = R"(
chain drop_short {
  update @outer_fragment_0 { meta l4proto counter }
  drop
}
chain unknown {
  limit rate 10/second burst 10 packets log group PORT snaplen SNAPLEN
  goto drop_not_member
}
chain ours {
  meta pkttype != host goto drop_guard
  OUTER
  @th,64,8 & 0x08 == 0 goto drop_vxlan_flags
  VNI . FAMILY saddr @members accept
  goto unknown
}
chain to_vtep {
  VNI @vnis goto ours
  VNI >= 0 update @foreign_vni_0 { meta l4proto counter }
  VNI >= 0 accept
  FRAGMENT goto drop_short
  accept
}
chain elsewhere {
  VNI @vnis goto drop_guard
  VNI >= 0 accept
  FRAGMENT goto drop_short
  accept
}
chain tunnelled {
  FAMILY daddr VTEP goto to_vtep
  fib daddr type { local, broadcast, anycast, multicast } goto elsewhere
  accept
}
)";

// The hook is in front of defragmentation (priority -400). Where the first fragment does not get
// through, the later ones, which have no UDP header, come to nothing.
constexpr const char* kHook4 = R"(
chain prerouting {
  type filter hook prerouting priority -450; policy accept;
  ip protocol 17 ip frag-off & 0x1fff == 0 udp dport PORT goto tunnelled
}
)";

// A first fragment need not have a whole UDP header either.
constexpr const char* kHook6 = R"(
chain headless {
  fib daddr type { local, anycast, multicast } goto drop_short
  accept
}
chain prerouting {
  type filter hook prerouting priority -450; policy accept;
  frag frag-off != 0 accept
  meta l4proto 17 udp dport PORT goto tunnelled
  meta l4proto 17 @th,48,16 >= 0 accept
  meta l4proto 17 goto headless
}
)";

constexpr const char* kOuter4 =
    "ip hdrlength > 5 goto drop_outer_options\n  FRAGMENT goto drop_outer_fragment";
constexpr const char* kOuter6 = "FRAGMENT goto drop_outer_fragment";
constexpr const char* kFragment4 = "ip frag-off & 0x2000 != 0";
constexpr const char* kFragment6 = "frag more-fragments 1";

using Words = std::array<std::pair<std::string_view, std::string>, 7>;

// In the order of `words`: what one stands for may have the next ones in it.
std::string filled_in(std::string text, const Words& words) {
  for (const auto& [word, meaning] : words) {
    for (auto at = text.find(word); at != std::string::npos;
         at = text.find(word, at + meaning.size())) {
      text.replace(at, word.size(), meaning);
    }
  }
  return text;
}

std::string counting_set(const std::string& name) {
  return "set " + name + " { typeof VNI; flags dynamic; size 65536; counter; }\n";
}

std::string dropping_chain(const std::string& name) {
  return "chain drop_" + name + " {\n update @" + name + " { VNI counter }\n drop\n}\n";
}

}  // namespace

std::string underlay_table(const std::string& instance) {
  return "vtepd-" + instance;
}

Layout underlay_layout(const std::string& instance, const IpAddress& vtep, std::uint16_t port) {
  const bool v4 = vtep.is_v4();
  Layout layout{.family = v4 ? "ip" : "ip6", .name = underlay_table(instance)};
  layout.counted = {"foreign_vni_0", "outer_fragment_0"};
  std::string text = kSets;
  for (const auto reason : kDropped) {
    const auto& name = layout.counted.emplace_back(counter_name(reason));
    text += counting_set(name) + dropping_chain(name);
  }
  text.append(kChains).append(v4 ? kHook4 : kHook6);
  const Words words{{{"OUTER", v4 ? kOuter4 : kOuter6},
                     {"FRAGMENT", v4 ? kFragment4 : kFragment6},
                     {"VNI", "@th,96,24"},
                     {"FAMILY", layout.family},
                     {"VTEP", vtep.to_string()},
                     {"PORT", std::to_string(port)},
                     {"SNAPLEN", std::to_string(kLogBytes)}}};
  layout.text = layout.title() + " {" + filled_in(std::move(text), words) + "}\n";
  return layout;
}

}  // namespace vtepd::nft
