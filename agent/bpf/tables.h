// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "bpf/map.h"
#include "core/forwarding_state.h"
#include "ports/dataplane.h"
#include "vtepd/abi.h"

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace vtepd {

// Sizes of the tables, the configuration's [limits].
struct Limits {
  std::uint32_t fdb = 65536;
  std::uint32_t neigh = 65536;
  std::uint32_t ports = 1024;
  std::uint32_t vnis = 256;
  std::uint32_t peers = 1024;
};

// Which map; the order of kTableSpecs.
enum class Table {
  Fdb,
  Neigh,
  Peers,
  Ports,
  Allow,
  AllowMac,
  Vnis,
  Members,
  Underlays,
  Seg,
  Counters,
  Traffic,
  Epoch,
  Events
};

struct TableSpec {
  Table table;
  const char* name;
  const char* option;    // configuration key that sizes it
  bool by_agent;         // the agent's: adopted together or not at all
  bool grows_on_demand;  // large but mostly empty: entries are allocated when they are used
};

inline constexpr std::array<TableSpec, 14> kTableSpecs{{
    {Table::Fdb, "vtep_fdb", "limits.fdb", true, false},
    {Table::Neigh, "vtep_neigh", "limits.neigh", true, false},
    {Table::Peers, "vtep_peers", "limits.peers", true, false},
    {Table::Ports, "vtep_ports", "limits.ports", true, false},
    {Table::Allow, "vtep_allow", "limits.ports", true, true},
    {Table::AllowMac, "vtep_allow_mac", "limits.ports", true, true},
    {Table::Vnis, "vtep_vnis", "limits.vnis", true, false},
    {Table::Members, "vtep_members", "limits.peers or limits.vnis", true, true},
    {Table::Underlays, "vtep_underlays", "", true, false},
    {Table::Seg, "vtep_seg", "", true, false},
    {Table::Counters, "vtep_counters", "limits.vnis", false, true},
    {Table::Traffic, "vtep_traffic", "limits.vnis", true, false},
    {Table::Epoch, "vtep_epoch", "", true, false},
    {Table::Events, "vtep_events", "", false, false},
}};

// Has all of its entries from the start, so that their number says nothing.
[[nodiscard]] constexpr bool is_always_full(Table table) {
  return table == Table::Seg || table == Table::Traffic || table == Table::Epoch;
}

[[nodiscard]] constexpr const TableSpec& spec(Table table) {
  return kTableSpecs[static_cast<std::size_t>(table)];
}

// max_entries of a map under these limits; for Events the bytes of the ring.
[[nodiscard]] std::uint32_t entries_for(Table table, const Limits& limits);

// The typed maps of one instance.
struct Tables {
  // `fds` in the order of kTableSpecs, without Events.
  static Result<Tables> create(std::vector<UniqueFd> fds);

  Map<vtep_fdb_key, vtep_fdb_value> fdb;
  Map<vtep_neigh_key, vtep_neigh_value> neigh;
  Map<__u32, vtep_peer> peers;
  Map<__u32, vtep_port> ports;
  Map<vtep_allow_key, __u8> allow;
  Map<vtep_allow_mac_key, __u8> allow_mac;
  Map<__u32, vtep_vni> vnis;
  Map<vtep_member_key, __u8> members;
  Map<__u32, vtep_underlay> underlays;
  Map<__u32, __u32> seg;
  RawMap counters;  // vtep_counter_key -> vtep_counter per CPU
  RawMap traffic;   // slot times VTEP_TRAFFIC_KINDS plus kind -> vtep_counter per CPU
  Map<__u32, __u64> epoch;

  [[nodiscard]] const RawMap& raw(Table table) const;
};

// Keys that no encoder of ours writes, so that neither programs nor agent ever look them up.
struct Strays {
  std::vector<vtep_fdb_key> fdb;
  std::vector<vtep_neigh_key> neigh;
  std::vector<__u32> vnis;
  std::vector<vtep_member_key> members;
};

// Further addresses and MACs of one port.
struct Allowed {
  std::set<IpPrefix> addresses;
  std::set<MacAddress> macs;
};

using AllowedByPort = std::unordered_map<IfIndex, Allowed, ForwardingHash>;

struct TableContents {
  ForwardingState state;
  Strays strays;
  AllowedByPort allowed;               // also of interfaces that are no port
  std::map<Vni, std::uint32_t> slots;  // in vtep_traffic
};

// Everything the maps hold. A value that no encoder of ours writes (damaged, or of another release)
// is returned empty, which nobody wants: a diff replaces or removes it. `port` is the UDP port that
// header templates are made for, 0 if they are not to be checked.
Result<TableContents> read_tables(const Tables& tables, std::uint16_t port);
// What vtep_counters and vtep_traffic say, summed up over CPUs, by VNI and reason.
Result<std::vector<ReasonCount>> read_counters(const Tables& tables);
Result<TableUsage> read_usage(const Tables& tables, Table table);

}  // namespace vtepd
