// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"
#include "nft/table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd::nft {

// The table of the hidden namespace: what endpoints may send. Its sets:
//   ports     name of a host end → VNI and, above its 24 bits, a PortKind. Not in it: sends
//   nothing. wire_vni  name of a vxlan device → VNI macs, addrs4, addrs6, nets4, nets6    host end
//   and what it may send from covered4, covered6                    networks within others of the
//   same port; no rule asks and one for each reason of include/vtepd/reasons.h in lower case, VNI →
//   packets and bytes
// The VNI is the packet's mark between the hooks. Announcements go to the NFLOG group
// `group`.
Layout bridge_layout(std::uint16_t group);

// The table of the daemon's namespace: who may send VXLAN to `vtep` and `port`, in VNIs of ours; to
// no other address of the host anybody. Senders that may not are told to the NFLOG group `port`.
Layout underlay_layout(const std::string& instance, const IpAddress& vtep, std::uint16_t port);
// Its name, in the family of the VTEP.
std::string underlay_table(const std::string& instance);

inline constexpr const char* kBridgeTable = "vtepd";

// The name of the set that counts the reason: "spoof_mac" for VTEP_SPOOF_MAC.
std::string counter_name(std::uint32_t reason);

// What a set of that name counts: by VNI, or without one ("foreign_vni_0").
struct Counted {
  std::uint32_t reason = 0;
  bool of_vni = true;
};

std::optional<Counted> counted_by(std::string_view set);

// Bytes of a packet that an event shows, from its network header on.
inline constexpr int kLogBytes = 128;

}  // namespace vtepd::nft
