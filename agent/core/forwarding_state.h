// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace vtepd {

// What the data path holds, in domain types: the tables of docs/datapath.md. `ForwardingState` is
// all of it, `ForwardingDelta` what to change, and every Dataplane takes and returns these.

struct FdbKey {
  Vni vni;
  MacAddress mac;
  auto operator<=>(const FdbKey&) const = default;
};

// Exactly one of the two: a remote VTEP's id, or a local endpoint's interface.
struct FdbEntry {
  std::uint32_t vtep_id = 0;  // 0: local
  IfIndex ifindex;            // local: host end, or the endpoint's own end if same_netns
  bool same_netns = false;
  bool operator==(const FdbEntry&) const = default;
};

struct NeighbourKey {
  Vni vni;
  IpAddress address;
  auto operator<=>(const NeighbourKey&) const = default;
};

struct MemberKey {
  Vni vni;
  IpAddress vtep;
  auto operator<=>(const MemberKey&) const = default;
};

struct PeerEntry {
  IpAddress remote;
  IpAddress local;
  IpAddress next_hop;  // `remote` itself when on link
  IfIndex ifindex;
  std::uint32_t mtu = 0;  // of the path, outer IP bytes
  bool reachable = false;
  bool operator==(const PeerEntry&) const = default;
};

struct PortEntry {
  Vni vni;
  MacAddress mac;
  std::optional<IpAddress> address4;
  std::optional<IpAddress> address6;
  std::set<IpPrefix> allowed_addresses;
  std::set<MacAddress> allowed_macs;
  IfIndex endpoint_ifindex;  // the other end of the pair, in its own namespace
  bool source_check = true;
  bool same_netns = false;
  bool ipv6 = false;
  bool operator==(const PortEntry&) const = default;
};

struct VniEntry {
  std::uint32_t mtu = 0;  // of the endpoints' interfaces
  std::uint8_t dscp = 0;
  bool operator==(const VniEntry&) const = default;
};

struct ForwardingHash {
  std::size_t operator()(const FdbKey& k) const noexcept {
    return std::hash<MacAddress>{}(k.mac) * 31 + k.vni.value;
  }

  std::size_t operator()(const NeighbourKey& k) const noexcept {
    return std::hash<IpAddress>{}(k.address) * 31 + k.vni.value;
  }

  std::size_t operator()(const MemberKey& k) const noexcept {
    return std::hash<IpAddress>{}(k.vtep) * 31 + k.vni.value;
  }

  std::size_t operator()(const Vni& k) const noexcept { return k.value; }

  std::size_t operator()(const IfIndex& k) const noexcept { return k.value; }
};

struct ForwardingState {
  std::unordered_map<FdbKey, FdbEntry, ForwardingHash> fdb;
  std::unordered_map<NeighbourKey, MacAddress, ForwardingHash> neighbours;
  std::unordered_map<std::uint32_t, PeerEntry> peers;  // by VTEP id, 1...
  std::unordered_map<IfIndex, PortEntry, ForwardingHash> ports;
  std::unordered_map<Vni, VniEntry, ForwardingHash> vnis;
  std::unordered_set<MemberKey, ForwardingHash> members;
  bool operator==(const ForwardingState&) const = default;
};

// Applied in this order: peers, vnis, members, ports, fdb, neighbours put; then neighbours, fdb,
// ports, members, vnis, peers removed: a packet never resolves to something not there yet.
struct ForwardingDelta {
  std::vector<std::pair<FdbKey, FdbEntry>> fdb_put;
  std::vector<FdbKey> fdb_remove;
  std::vector<std::pair<NeighbourKey, MacAddress>> neighbours_put;
  std::vector<NeighbourKey> neighbours_remove;
  std::vector<std::pair<std::uint32_t, PeerEntry>> peers_put;
  std::vector<std::uint32_t> peers_remove;
  std::vector<std::pair<IfIndex, PortEntry>> ports_put;
  std::vector<IfIndex> ports_remove;
  std::vector<std::pair<Vni, VniEntry>> vnis_put;
  std::vector<Vni> vnis_remove;
  std::vector<MemberKey> members_put;
  std::vector<MemberKey> members_remove;
  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t size() const;
};

// What turns `have` into `want`.
[[nodiscard]] ForwardingDelta diff(const ForwardingState& have, const ForwardingState& want);
// The part of it that is not proportional to the endpoints: all but FDB and neighbours.
void diff_hosts(const ForwardingState& have, const ForwardingState& want, ForwardingDelta& delta);

}  // namespace vtepd
