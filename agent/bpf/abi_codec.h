// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/forwarding_state.h"
#include "ports/dataplane.h"
#include "vtepd/abi.h"

#include <cstdint>
#include <utility>

namespace vtepd::abi {

// Domain types to and from the structs of include/vtepd/abi.h: the only place where byte order is
// converted and padding zeroed.

[[nodiscard]] vtep_fdb_key encode(const FdbKey& key);
[[nodiscard]] FdbKey decode(const vtep_fdb_key& key);
[[nodiscard]] vtep_fdb_value encode(const FdbEntry& entry);
[[nodiscard]] FdbEntry decode(const vtep_fdb_value& value);

[[nodiscard]] vtep_neigh_key encode(const NeighbourKey& key);
[[nodiscard]] NeighbourKey decode(const vtep_neigh_key& key);
[[nodiscard]] vtep_neigh_value encode(const MacAddress& mac);
[[nodiscard]] MacAddress decode(const vtep_neigh_value& value);

// With the header template for `port` of the VXLAN. Invalid unless both addresses are IPv4.
Result<vtep_peer> encode(const PeerEntry& peer, std::uint16_t port);
[[nodiscard]] PeerEntry decode(const vtep_peer& peer);

// The further addresses and MACs of a port have maps of their own: encode() only notes by a flag
// that there are some, decode() leaves them empty.
[[nodiscard]] vtep_port encode(const PortEntry& port);
[[nodiscard]] PortEntry decode(const vtep_port& port);
[[nodiscard]] vtep_allow_key allow_key(IfIndex ifindex, const IpPrefix& prefix);
[[nodiscard]] std::pair<IfIndex, IpPrefix> decode(const vtep_allow_key& key);
[[nodiscard]] vtep_allow_mac_key allow_key(IfIndex ifindex, const MacAddress& mac);
[[nodiscard]] std::pair<IfIndex, MacAddress> decode(const vtep_allow_mac_key& key);

// `slot`: its place in vtep_traffic, which is of this data path alone.
[[nodiscard]] vtep_vni encode(const VniEntry& vni, std::uint32_t slot);
[[nodiscard]] VniEntry decode(const vtep_vni& vni);

[[nodiscard]] vtep_member_key encode(const MemberKey& member);
[[nodiscard]] MemberKey decode(const vtep_member_key& key);

[[nodiscard]] DataplaneEvent decode(const vtep_event& event);

}  // namespace vtepd::abi
