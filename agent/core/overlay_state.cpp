// SPDX-License-Identifier: GPL-2.0-only
// What follows from the tables: the desired state, deltas of it, and look-ups for people.
#include "core/overlay.h"

#include <iterator>

namespace vtepd {

namespace {

constexpr std::size_t kShortestIdPrefix = 8;

}  // namespace

FdbEntry Overlay::fdb_entry(const EndpointRecord& endpoint) const {
  if (endpoint.local != nullptr) {
    const auto& local = *endpoint.local;
    return {.vtep_id = 0,
            .ifindex = local.same_netns ? local.endpoint_ifindex : local.host,
            .same_netns = local.same_netns};
  }
  return {.vtep_id = peers_.at(endpoint.vtep).id, .ifindex = {}, .same_netns = false};
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
      if (endpoint.contributed && vni_of(*active.network, endpoint) == vni) {
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

ForwardingState Overlay::desired() const {
  ForwardingState state;
  for (const auto& [key, endpoint] : fdb_.winners()) {
    state.fdb.emplace(key, fdb_entry(*fdb_owner(key)));
  }
  for (const auto& [key, endpoint] : neighbours_.winners()) {
    state.neighbours.emplace(key, *neighbour_mac(key));
  }
  add_floating(state);
  add_peers_and_ports(state);
  for (const auto& [vni, active] : active_) {
    add_members(vni, *active.network, state);
  }
  return state;
}

// The steps of the walk: peers and ports, each VNI's members, each bucket of the two large tables.
ForwardingState Overlay::desired_part(std::size_t& next, std::size_t limit) const {
  const auto& fdb = fdb_.winners();
  const auto& neighbours = neighbours_.winners();
  const std::size_t first_bucket = 1 + active_.size();
  const std::size_t steps = first_bucket + fdb.bucket_count() + neighbours.bucket_count();
  ForwardingState state;
  const auto taken = [&] {
    return state.fdb.size() + state.neighbours.size() + state.members.size() + state.peers.size();
  };
  for (; next < steps && taken() < limit; ++next) {
    if (next == 0) {
      add_peers_and_ports(state);
      add_floating(state);
    } else if (next < first_bucket) {
      const auto& [vni, active] =
          *std::next(active_.begin(), static_cast<std::ptrdiff_t>(next) - 1);
      add_members(vni, *active.network, state);
    } else if (const auto bucket = next - first_bucket; bucket < fdb.bucket_count()) {
      for (auto entry = fdb.begin(bucket); entry != fdb.end(bucket); ++entry) {
        state.fdb.emplace(entry->first, fdb_entry(*fdb_owner(entry->first)));
      }
    } else {
      const auto other = bucket - fdb.bucket_count();
      for (auto entry = neighbours.begin(other); entry != neighbours.end(other); ++entry) {
        state.neighbours.emplace(entry->first, *neighbour_mac(entry->first));
      }
    }
  }
  next = next < steps ? next : 0;
  return state;
}

ForwardingDelta Overlay::take_delta() {
  ForwardingDelta delta;
  const auto settle = [](auto& dirty, auto& puts, auto& removes, auto&& find) {
    for (const auto& key : dirty) {
      if (const auto value = find(key)) {
        puts.emplace_back(key, *value);
      } else {
        removes.push_back(key);
      }
    }
    dirty.clear();
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
  std::unordered_map<IfIndex, PortEntry, ForwardingHash> ports;
  if (!dirty_ports_.empty()) {
    for (const auto& [id, local] : locals_) {
      const auto& network = networks_.at(local.endpoint.network_id);
      const auto& record = network.locals.at(id);
      if (record.contributed) {
        ports.emplace(local.host, port_entry(local, vni_of(network, record)));
      }
    }
  }
  settle(dirty_ports_, delta.ports_put, delta.ports_remove,
         [&](IfIndex host) -> std::optional<PortEntry> {
           const auto port = ports.find(host);
           return port == ports.end() ? std::nullopt : std::optional(port->second);
         });
  for (const auto& key : dirty_members_) {
    (is_member(key) ? delta.members_put : delta.members_remove).push_back(key);
  }
  dirty_members_.clear();
  return delta;
}

void Overlay::mark(const ForwardingDelta& failed) {
  const auto keys = [](auto& dirty, const auto& puts, const auto& removes) {
    for (const auto& [key, value] : puts) {
      dirty.insert(key);
    }
    dirty.insert(removes.begin(), removes.end());
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
  dirty_members_.insert(failed.members_put.begin(), failed.members_put.end());
  dirty_members_.insert(failed.members_remove.begin(), failed.members_remove.end());
}

std::vector<IpAddress> Overlay::unrouted() const {
  std::vector<IpAddress> result;
  for (const auto& [vtep, peer] : peers_) {
    if (peer.uses > 0 && !peer.routed) {
      result.push_back(vtep);
    }
  }
  return result;
}

std::vector<IpAddress> Overlay::vteps_in_use() const {
  std::vector<IpAddress> result;
  for (const auto& [vtep, peer] : peers_) {
    if (peer.uses > 0) {
      result.push_back(vtep);
    }
  }
  return result;
}

const Overlay::NetworkRecord* Overlay::find_network(const std::string& name_or_id) const {
  const NetworkRecord* by_prefix = nullptr;
  bool several = false;
  for (const auto& [id, record] : networks_) {
    if (!record.network) {
      continue;
    }
    if (record.network->name == name_or_id || id == name_or_id) {
      return &record;
    }
    if (name_or_id.size() >= kShortestIdPrefix && id.starts_with(name_or_id)) {
      several = by_prefix != nullptr;
      by_prefix = &record;
    }
  }
  return several ? nullptr : by_prefix;
}

bool Overlay::is_used_here(const std::string& network_id) const {
  const auto network = networks_.find(network_id);
  return network != networks_.end() && !network->second.locals.empty();
}

const Overlay::NetworkRecord* Overlay::network_of(Vni vni) const {
  for (const auto& [id, record] : networks_) {
    if (record.network) {
      for (const auto& subnet : record.network->subnets) {
        if (subnet.vni == vni) {
          return &record;
        }
      }
    }
  }
  return nullptr;
}

std::uint32_t Overlay::peer_id(const IpAddress& vtep) const {
  const auto peer = peers_.find(vtep);
  return peer == peers_.end() ? 0 : peer->second.id;
}

std::optional<PeerRoute> Overlay::route(const IpAddress& vtep) const {
  const auto peer = peers_.find(vtep);
  return peer == peers_.end() ? std::nullopt : peer->second.route;
}

std::size_t Overlay::endpoint_count() const {
  std::size_t count = 0;
  for (const auto& [id, network] : networks_) {
    count += network.endpoints.size();
  }
  return count;
}

std::vector<Endpoint> Overlay::orphans() const {
  std::vector<Endpoint> result;
  for (const auto& [network_id, network] : networks_) {
    for (const auto& [id, record] : network.endpoints) {
      if (record.ours && record.vtep == own_vtep_ && !locals_.contains(id.to_string())) {
        result.push_back(Endpoint{.id = id.to_string(),
                                  .network_id = network_id,
                                  .name = record.name,
                                  .mac = record.mac,
                                  .address4 = record.address4,
                                  .address6 = record.address6,
                                  .vtep = record.vtep,
                                  .sandbox = "",
                                  .owner = owner_});
      }
    }
  }
  return result;
}

}  // namespace vtepd
