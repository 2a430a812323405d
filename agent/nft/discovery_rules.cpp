// SPDX-License-Identifier: GPL-2.0-only
#include "nft/discovery_rules.h"

namespace vtepd::nft {

namespace {

constexpr int kOption = 8;  // bytes: what options are counted in
// Bytes of a message whose options are looked at: five behind the target. The kernel allows no more
// than 16 chains to go to one another.
constexpr int kLastOption = 64;

// Whether the frame has a transport header, and which, is what the kernel found behind all
// extension headers; it finds none where the chain is broken, and then neither comparison of
// l4proto matches. For a later fragment it goes by the fragment header, and what is read as the
// transport header then is anything: such fragments are sorted out first.
constexpr const char* kChecked = R"(
chain ip6_source {
  iifname . @nh,64,128 @addrs6 accept
  iifname . @nh,64,128 @nets6 accept
  goto drop_spoof_ip
}
chain nd_claims {
  @th,32,8 & 0x40 == 0 goto announce
  accept
}
chain nd_advert {
  iifname . @th,64,128 @addrs6 goto nd_claims
  iifname . @th,64,128 @nets6 goto nd_claims
  goto drop_spoof_nd
}
chain nd_target {
  @th,64,8 0xff goto drop_malformed
  goto nd_24
}
chain nd_checked {
  ip6 nexthdr != 58 goto drop_spoof_nd
  ip6 hoplimit != 255 goto drop_malformed
  icmpv6 code != 0 goto drop_malformed
  icmpv6 type vmap { 133 : jump nd_8, 135 : jump nd_target, 136 : jump nd_target }
  icmpv6 type 136 goto nd_advert
  icmpv6 type { 133, 135 } accept
  goto drop_malformed
}
chain icmp6_sourced {
  icmpv6 type { 133, 135, 136 } goto nd_checked
  accept
}
chain icmp6 {
  frag frag-off != 0 goto ip6_source
  icmpv6 type { 134, 137 } goto drop_router_advert
  iifname . @nh,64,128 @addrs6 goto icmp6_sourced
  iifname . @nh,64,128 @nets6 goto icmp6_sourced
  @nh,64,128 0 icmpv6 type { 131, 132, 133, 135, 143 } goto icmp6_sourced
  icmpv6 type >= 0 goto drop_spoof_ip
  goto drop_malformed
}
chain ip6_checked {
  meta l4proto 58 goto icmp6
  meta l4proto != 58 goto ip6_source
  frag frag-off != 0 goto ip6_source
  goto drop_malformed
}
)";

constexpr const char* kOpen = R"(
chain nd_listed {
  iifname . @th,64,128 @addrs6 goto nd_claims
  iifname . @th,64,128 @nets6 goto nd_claims
  accept
}
chain nd_open {
  ip6 nexthdr != 58 goto drop_spoof_nd
  ip6 hoplimit != 255 goto drop_malformed
  icmpv6 code != 0 goto drop_malformed
  icmpv6 type 136 goto nd_listed
  icmpv6 type { 133, 135 } accept
  goto drop_malformed
}
chain icmp6_open {
  frag frag-off != 0 accept
  icmpv6 type { 134, 137 } goto drop_router_advert
  icmpv6 type { 133, 135, 136 } goto nd_open
  icmpv6 type >= 0 accept
  goto drop_malformed
}
chain ip6_open {
  meta l4proto 58 goto icmp6_open
  meta l4proto != 58 accept
  frag frag-off != 0 accept
  goto drop_malformed
}
)";

// The options from byte `at` of the message on. nft has no loop: one chain for each place where an
// option can begin. A source or target link-layer address must be one that the port may send from.
// Returns where the message ends with an option.
std::string option_chain(int at) {
  const auto raw = [&](int byte, int bits) {
    return " @th," + std::to_string(8 * (at + byte)) + "," + std::to_string(bits);
  };
  const std::string name = std::to_string(at);
  std::string text = "chain nd_" + name + " {\n ip6 length " + name + " return\n";
  if (at < kLastOption) {
    text += raw(0, 16) + " { 0x0101, 0x0201 } iifname ." + raw(2, 48) +
            " != @macs goto drop_spoof_nd\n";
    text += raw(0, 8) + " { 1, 2 }" + raw(1, 8) + " != 1 goto drop_malformed\n";
    text += raw(1, 8) + " vmap {";
    for (int size = 1; at + kOption * size <= kLastOption; ++size) {
      text += (size > 1 ? ", " : " ") + std::to_string(size) + " : goto nd_" +
              std::to_string(at + kOption * size);
    }
    text += " }\n";
  }
  return text + " goto drop_malformed\n}\n";
}

}  // namespace

std::string discovery_chains() {
  std::string options;
  for (int at = kLastOption; at >= kOption; at -= kOption) {
    options += option_chain(at);
  }
  return options + kChecked + kOpen;
}

}  // namespace vtepd::nft
