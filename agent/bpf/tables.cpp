// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/tables.h"

#include "bpf/abi_codec.h"
#include "vtepd/reasons.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace vtepd {

namespace {

// Entries of vtep_allow and vtep_allow_mac that a port may have on average.
constexpr std::uint64_t kAllowedPerPort = 16;
// Endpoints of a network are in few subnets, each a VNI with the same members.
constexpr std::uint64_t kMembersPerFdbEntry = 4;
constexpr std::uint32_t kUnderlays = 16;
// VNIs that have counters of their own in vtep_traffic, 48 bytes each on each processor; others
// count in the hash, which grows as it is used.
constexpr std::uint64_t kTrafficSlots = 4096;
constexpr std::uint32_t kEventRingBytes = 64U * 1024;

std::uint32_t bounded(std::uint64_t entries) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(entries, 1, 1U << 26U));
}

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

bool valid_vni(std::uint32_t vni) {
  return vni != 0 && vni <= Vni::kMax;
}

Result<AllowedByPort> read_allowed(const Tables& tables) {
  AllowedByPort allowed;
  auto done = tables.allow.for_each([&](const vtep_allow_key& key, __u8) {
    const auto [ifindex, prefix] = abi::decode(key);
    allowed[ifindex].addresses.insert(prefix);
  });
  if (!done) {
    return fail(done.error());
  }
  done = tables.allow_mac.for_each([&](const vtep_allow_mac_key& key, __u8) {
    const auto [ifindex, mac] = abi::decode(key);
    allowed[ifindex].macs.insert(mac);
  });
  if (!done) {
    return fail(done.error());
  }
  return allowed;
}

// What `raw` says if encoding that gives `raw` again, else an empty value.
template <typename Raw>
auto intact(const Raw& raw) {
  auto value = abi::decode(raw);
  return same_bytes(abi::encode(value), raw) ? value : decltype(value){};
}

Result<void> read_fdb(const Tables& tables, TableContents& out) {
  return tables.fdb.for_each([&](const vtep_fdb_key& key, const vtep_fdb_value& value) {
    const FdbKey decoded = abi::decode(key);
    if (valid_vni(key.vni) && same_bytes(abi::encode(decoded), key)) {
      out.state.fdb.emplace(decoded, intact(value));
    } else {
      out.strays.fdb.push_back(key);
    }
  });
}

Result<void> read_neigh(const Tables& tables, TableContents& out) {
  return tables.neigh.for_each([&](const vtep_neigh_key& key, const vtep_neigh_value& value) {
    if (valid_vni(key.vni)) {
      out.state.neighbours.emplace(abi::decode(key), intact(value));
    } else {
      out.strays.neigh.push_back(key);
    }
  });
}

Result<void> read_peers(const Tables& tables, std::uint16_t port, TableContents& out) {
  return tables.peers.for_each([&](const __u32& id, const vtep_peer& value) {
    const PeerEntry peer = abi::decode(value);
    const auto encoded = abi::encode(peer, port);
    const bool good = port == 0 || (encoded && same_bytes(*encoded, value));
    out.state.peers.emplace(id, good ? peer : PeerEntry{});
  });
}

Result<void> read_ports(const Tables& tables, TableContents& out) {
  return tables.ports.for_each([&](const __u32& ifindex, const vtep_port& value) {
    PortEntry port = abi::decode(value);
    if (const auto found = out.allowed.find(IfIndex{ifindex}); found != out.allowed.end()) {
      port.allowed_addresses = found->second.addresses;
      port.allowed_macs = found->second.macs;
    }
    const bool good = same_bytes(abi::encode(port), value);
    out.state.ports.emplace(IfIndex{ifindex}, good ? std::move(port) : PortEntry{});
  });
}

Result<void> read_vnis(const Tables& tables, TableContents& out) {
  return tables.vnis.for_each([&](const __u32& vni, const vtep_vni& value) {
    if (valid_vni(vni)) {
      const VniEntry entry = abi::decode(value);
      const bool good = same_bytes(abi::encode(entry, value.slot), value);
      out.state.vnis.emplace(Vni{vni}, good ? entry : VniEntry{});
      out.slots.emplace(Vni{vni}, value.slot);
    } else {
      out.strays.vnis.push_back(vni);
    }
  });
}

Result<void> read_members(const Tables& tables, TableContents& out) {
  return tables.members.for_each([&](const vtep_member_key& key, __u8) {
    if (valid_vni(key.vni)) {
      out.state.members.insert(abi::decode(key));
    } else {
      out.strays.members.push_back(key);
    }
  });
}

}  // namespace

std::uint32_t entries_for(Table table, const Limits& limits) {
  switch (table) {
    case Table::Fdb:
      return bounded(limits.fdb);
    case Table::Neigh:
      return bounded(limits.neigh);
    case Table::Peers:
      return bounded(limits.peers);
    case Table::Ports:
      return bounded(limits.ports);
    case Table::Vnis:
      return bounded(limits.vnis);
    case Table::Allow:
    case Table::AllowMac:
      return bounded(kAllowedPerPort * limits.ports);
    case Table::Members:
      return bounded(
          std::min(std::uint64_t{limits.peers} * limits.vnis, kMembersPerFdbEntry * limits.fdb));
    case Table::Underlays:
      return kUnderlays;
    case Table::Seg:
      return 1;
    case Table::Counters:  // VNI 0 counts too
      return bounded(std::uint64_t{VTEP_REASON_MAX} * (std::uint64_t{limits.vnis} + 1));
    case Table::Traffic:  // slot 0 is nobody's
      return bounded(VTEP_TRAFFIC_KINDS *
                     (std::min<std::uint64_t>(limits.vnis, kTrafficSlots) + 1));
    case Table::Epoch:
      return 1;
    case Table::Events:
      return kEventRingBytes;
  }
  return 1;
}

Result<Tables> Tables::create(std::vector<UniqueFd> fds) {
  std::size_t next = 0;
  const auto take = [&] { return std::move(fds.at(next++)); };
  auto fdb = decltype(Tables::fdb)::create(take());
  auto neigh = decltype(Tables::neigh)::create(take());
  auto peers = decltype(Tables::peers)::create(take());
  auto ports = decltype(Tables::ports)::create(take());
  auto allow = decltype(Tables::allow)::create(take());
  auto allow_mac = decltype(Tables::allow_mac)::create(take());
  auto vnis = decltype(Tables::vnis)::create(take());
  auto members = decltype(Tables::members)::create(take());
  auto underlays = decltype(Tables::underlays)::create(take());
  auto seg = decltype(Tables::seg)::create(take());
  auto counters = RawMap::create(take());
  auto traffic = RawMap::create(take());
  auto epoch = decltype(Tables::epoch)::create(take());
  const Error* error = nullptr;
  const auto check = [&](auto& map) { error = error == nullptr && !map ? &map.error() : error; };
  check(fdb);
  check(neigh);
  check(peers);
  check(ports);
  check(allow);
  check(allow_mac);
  check(vnis);
  check(members);
  check(underlays);
  check(seg);
  check(counters);
  check(traffic);
  check(epoch);
  if (error != nullptr) {
    return fail(*error);
  }
  return Tables{std::move(*fdb),   std::move(*neigh),    std::move(*peers),
                std::move(*ports), std::move(*allow),    std::move(*allow_mac),
                std::move(*vnis),  std::move(*members),  std::move(*underlays),
                std::move(*seg),   std::move(*counters), std::move(*traffic),
                std::move(*epoch)};
}

const RawMap& Tables::raw(Table table) const {
  switch (table) {
    case Table::Fdb:
      return fdb.raw();
    case Table::Neigh:
      return neigh.raw();
    case Table::Peers:
      return peers.raw();
    case Table::Ports:
      return ports.raw();
    case Table::Allow:
      return allow.raw();
    case Table::AllowMac:
      return allow_mac.raw();
    case Table::Vnis:
      return vnis.raw();
    case Table::Members:
      return members.raw();
    case Table::Underlays:
      return underlays.raw();
    case Table::Seg:
      return seg.raw();
    case Table::Traffic:
      return traffic;
    case Table::Epoch:
      return epoch.raw();
    case Table::Counters:
    case Table::Events:
      break;
  }
  return counters;
}

Result<TableContents> read_tables(const Tables& tables, std::uint16_t port) {
  TableContents out;
  auto allowed = read_allowed(tables);
  if (!allowed) {
    return fail(allowed.error());
  }
  out.allowed = std::move(*allowed);
  for (const auto& done :
       {read_peers(tables, port, out), read_vnis(tables, out), read_members(tables, out),
        read_ports(tables, out), read_fdb(tables, out), read_neigh(tables, out)}) {
    if (!done) {
      return fail(done.error());
    }
  }
  return out;
}

Result<TableUsage> read_usage(const Tables& tables, Table table) {
  const RawMap& map = tables.raw(table);
  const auto used = map.count();
  if (!used) {
    return fail(used.error());
  }
  return TableUsage{spec(table).name, *used, map.max_entries(), spec(table).option};
}

}  // namespace vtepd
