// SPDX-License-Identifier: GPL-2.0-only
// What follows from the tables for the data path: the desired state, and deltas of it.
#include "core/overlay.h"

#include <iterator>

namespace vtepd {

FdbEntry Overlay::fdb_entry(const EndpointRecord& endpoint) const {
  if (endpoint.local != nullptr) {
    const auto& local = *endpoint.local;
    return {.vtep_id = 0,
            .ifindex = local.same_netns ? local.endpoint_ifindex : local.host,
            .same_netns = local.same_netns};
  }
  return {.vtep_id = endpoint.peer, .ifindex = {}, .same_netns = false};
}

PeerEntry Overlay::peer_entry(const IpAddress& vtep, const Peer& peer) const {
  PeerEntry entry{.remote = vtep, .local = own_vtep_, .next_hop = vtep, .ifindex = {}};
  if (peer.route) {
    entry.next_hop = peer.route->next_hop;
    entry.ifindex = peer.route->ifindex;
    entry.mtu = peer.route->mtu;
    entry.reachable = true;
  }
  return entry;
}

PortEntry Overlay::port_entry(const LocalEndpoint& local, Vni vni) const {
  PortEntry port{.vni = vni,
                 .mac = local.endpoint.mac,
                 .address4 = {},
                 .address6 = {},
                 .allowed_addresses = local.allowed_addresses,
                 .allowed_macs = local.allowed_macs,
                 .endpoint_ifindex = local.endpoint_ifindex,
                 .source_check = local.source_check,
                 .same_netns = local.same_netns,
                 .ipv6 = local.network.v6_pool.has_value()};
  if (local.endpoint.address4) {
    port.address4 = local.endpoint.address4->address;
  }
  if (local.endpoint.address6) {
    port.address6 = local.endpoint.address6->address;
  }
  const auto& network = networks_.at(local.endpoint.network_id);
  const auto id = ObjectId::parse(local.endpoint.id);
  if (const auto held = network.held.find(*id); held != network.held.end()) {
    for (const auto& address : held->second) {
      constexpr std::uint8_t kBits4 = 32;
      constexpr std::uint8_t kBits6 = 128;
      port.allowed_addresses.insert({address, address.is_v4() ? kBits4 : kBits6});
      if (const auto& mac = network.floating.at(address).mac) {
        port.allowed_macs.insert(*mac);
      }
    }
  }
  return port;
}

bool Overlay::is_member(const MemberKey& key) const {
  const auto active = active_.find(key.vni);
  return active != active_.end() && active->second.network->vteps.contains(key.vtep);
}

void Overlay::add_peers_and_ports(ForwardingState& state) const {
  for (const auto& [vtep, peer] : peers_) {
    if (peer.uses > 0) {
      state.peers.emplace(peer.id, peer_entry(vtep, peer));
    }
  }
  for (const auto& [vni, active] : active_) {
    state.vnis.emplace(vni, VniEntry{.mtu = active.network->network->mtu()});
    for (const auto& [id, endpoint] : active.network->locals) {
      if (endpoint.contributed && endpoint.vni == vni) {
        state.ports.emplace(endpoint.local->host, port_entry(*endpoint.local, vni));
      }
    }
  }
}

void Overlay::add_members(Vni vni, const NetworkRecord& network, ForwardingState& state) const {
  for (const auto& [vtep, uses] : network.vteps) {
    state.members.insert({vni, vtep});
  }
}

void Overlay::visit_fdb(const auto& visit) const {
  for (const auto& [key, endpoint] : fdb_.winners()) {
    if (floating_macs_.empty() || !floating_macs_.contains(key)) {
      visit(key, fdb_entry(*endpoint));
    }
  }
  for (const auto& [key, moved] : floating_macs_) {
    visit(key, fdb_entry(*moved.rbegin()->second));
  }
}

void Overlay::visit_neighbours(const auto& visit) const {
  for (const auto& [key, endpoint] : neighbours_.winners()) {
    if (floating_.empty() || !floating_.contains(key)) {
      visit(key, endpoint->mac);
    }
  }
  for (const auto& [key, in_force] : floating_) {
    visit(key, *neighbour_mac(key));
  }
}

// All but FDB and neighbours.
ForwardingState Overlay::desired_hosts() const {
  ForwardingState state;
  add_peers_and_ports(state);
  for (const auto& [vni, active] : active_) {
    add_members(vni, *active.network, state);
  }
  return state;
}

ForwardingState Overlay::desired() const {
  auto state = desired_hosts();
  visit_fdb([&](const FdbKey& key, const FdbEntry& entry) { state.fdb.emplace(key, entry); });
  visit_neighbours(
      [&](const NeighbourKey& key, const MacAddress& mac) { state.neighbours.emplace(key, mac); });
  return state;
}

// The steps of the walk: what hosts have, each bucket of the two large tables. Members come all at
// once: a packet filter has to be listed whole for any of them.
ForwardingState Overlay::desired_part(std::size_t& next, std::size_t limit) const {
  const auto& fdb = fdb_.winners();
  const auto& neighbours = neighbours_.winners();
  const std::size_t steps = 1 + fdb.bucket_count() + neighbours.bucket_count();
  ForwardingState state;
  const auto taken = [&] {
    return state.fdb.size() + state.neighbours.size() + state.members.size() + state.peers.size();
  };
  for (; next < steps && taken() < limit; ++next) {
    if (next == 0) {
      state = desired_hosts();
      add_floating(state);
    } else if (const auto bucket = next - 1; bucket < fdb.bucket_count()) {
      for (auto entry = fdb.begin(bucket); entry != fdb.end(bucket); ++entry) {
        const auto* owner = floating_macs_.empty() ? entry->second : fdb_owner(entry->first);
        state.fdb.emplace(entry->first, fdb_entry(*owner));
      }
    } else {
      const auto other = bucket - fdb.bucket_count();
      for (auto entry = neighbours.begin(other); entry != neighbours.end(other); ++entry) {
        state.neighbours.emplace(
            entry->first, floating_.empty() ? entry->second->mac : *neighbour_mac(entry->first));
      }
    }
  }
  next = next < steps ? next : 0;
  return state;
}

// Without a copy of the desired state: of a million endpoints that would take longer than all else.
ForwardingDelta Overlay::take_difference(const ForwardingState& have) {
  ForwardingDelta delta;
  diff_hosts(have, desired_hosts(), delta);
  const auto put_unless_there = [](const auto& table, auto& puts) {
    return [&](const auto& key, const auto& value) {
      const auto found = table.find(key);
      if (found == table.end() || !(found->second == value)) {
        puts.emplace_back(key, value);
      }
    };
  };
  delta.fdb_put.reserve(fdb_.winners().size());
  visit_fdb(put_unless_there(have.fdb, delta.fdb_put));
  for (const auto& [key, entry] : have.fdb) {
    if (fdb_owner(key) == nullptr) {
      delta.fdb_remove.push_back(key);
    }
  }
  delta.neighbours_put.reserve(neighbours_.winners().size());
  visit_neighbours(put_unless_there(have.neighbours, delta.neighbours_put));
  for (const auto& [key, mac] : have.neighbours) {
    if (neighbour_owner(key) == nullptr) {
      delta.neighbours_remove.push_back(key);
    }
  }
  forget_touched();
  return delta;
}

// Addresses that went are remembered all the same.
void Overlay::forget_touched() {
  dirty_fdb_.forget();
  if (departed_.empty() &&
      !dirty_neighbours_.any_of([](const auto& item) { return item.second.has_value(); })) {
    dirty_neighbours_.forget();
  }
  ForwardingDelta unused;
  settle_neighbours(unused);
  dirty_members_.forget();
  dirty_peers_.forget();
  dirty_ports_.forget();
  dirty_vnis_.forget();
  moved_.clear();
}

ForwardingDelta Overlay::take_delta() {
  ForwardingDelta delta;
  const auto settle = [](auto& dirty, auto& puts, auto& removes, auto&& find) {
    for (const auto& key : dirty.take()) {
      if (const auto value = find(key)) {
        puts.emplace_back(key, *value);
      } else {
        removes.push_back(key);
      }
    }
  };
  settle(dirty_fdb_, delta.fdb_put, delta.fdb_remove, [&](const FdbKey& key) {
    const auto* owner = fdb_owner(key);
    return owner == nullptr ? std::nullopt : std::optional(fdb_entry(*owner));
  });
  settle_neighbours(delta);
  settle(dirty_peers_, delta.peers_put, delta.peers_remove,
         [&](std::uint32_t id) -> std::optional<PeerEntry> {
           const auto vtep = peer_ids_.find(id);
           const auto peer = vtep == peer_ids_.end() ? peers_.end() : peers_.find(vtep->second);
           if (peer == peers_.end() || peer->second.uses == 0) {
             return std::nullopt;
           }
           return peer_entry(peer->first, peer->second);
         });
  settle(dirty_vnis_, delta.vnis_put, delta.vnis_remove, [&](Vni vni) -> std::optional<VniEntry> {
    const auto active = active_.find(vni);
    if (active == active_.end()) {
      return std::nullopt;
    }
    return VniEntry{.mtu = active->second.network->network->mtu()};
  });
  settle_ports(delta);
  for (const auto& key : dirty_members_.take()) {
    (is_member(key) ? delta.members_put : delta.members_remove).push_back(key);
  }
  return delta;
}

void Overlay::settle_ports(ForwardingDelta& delta) {
  const auto touched = dirty_ports_.take();
  if (touched.empty()) {
    return;
  }
  std::unordered_map<IfIndex, PortEntry, ForwardingHash> ports;
  for (const auto& [network_id, network] : networks_) {
    for (const auto& [id, record] : network.locals) {
      if (record.contributed) {
        ports.emplace(record.local->host, port_entry(*record.local, record.vni));
      }
    }
  }
  for (const IfIndex host : touched) {
    if (const auto port = ports.find(host); port != ports.end()) {
      delta.ports_put.emplace_back(host, port->second);
    } else {
      delta.ports_remove.push_back(host);
    }
  }
}

void Overlay::mark(const ForwardingDelta& failed) {
  const auto keys = [](auto& dirty, const auto& puts, const auto& removes) {
    for (const auto& [key, value] : puts) {
      dirty.add(key);
    }
    for (const auto& key : removes) {
      dirty.add(key);
    }
  };
  keys(dirty_fdb_, failed.fdb_put, failed.fdb_remove);
  for (const auto& [key, mac] : failed.neighbours_put) {
    touch_neighbour(key);
  }
  for (const auto& key : failed.neighbours_remove) {
    touch_neighbour(key);
  }
  keys(dirty_peers_, failed.peers_put, failed.peers_remove);
  keys(dirty_ports_, failed.ports_put, failed.ports_remove);
  keys(dirty_vnis_, failed.vnis_put, failed.vnis_remove);
  for (const auto* members : {&failed.members_put, &failed.members_remove}) {
    for (const auto& key : *members) {
      dirty_members_.add(key);
    }
  }
}

}  // namespace vtepd
