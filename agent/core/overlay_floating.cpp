// SPDX-License-Identifier: GPL-2.0-only
// Addresses: who answers for one, the floating ones that go before endpoints' own, and which of
// them got another MAC.
#include "core/overlay.h"

#include <algorithm>

namespace vtepd {

namespace {

// Addresses that went are remembered so that one that comes back elsewhere can be announced.
constexpr std::size_t kMostDeparted = 4096;

}  // namespace

std::optional<MacAddress> Overlay::neighbour_mac(const NeighbourKey& key) const {
  if (const auto place = floating_.find(key); place != floating_.end()) {
    return place->second.floating->mac.value_or(place->second.holder->mac);
  }
  const auto* owner = neighbours_.winner(key);
  return owner == nullptr ? std::nullopt : std::optional(owner->mac);
}

const Overlay::EndpointRecord* Overlay::neighbour_owner(const NeighbourKey& key) const {
  const auto place = floating_.find(key);
  return place != floating_.end() ? place->second.holder : neighbours_.winner(key);
}

std::optional<std::string> Overlay::own_of(const NeighbourKey& key) const {
  const auto* owner = neighbours_.winner(key);
  return owner == nullptr ? std::nullopt : std::optional(owner->id.to_string());
}

const Overlay::EndpointRecord* Overlay::fdb_owner(const FdbKey& key) const {
  const auto moved = floating_macs_.find(key);
  return moved != floating_macs_.end() ? moved->second.rbegin()->second : fdb_.winner(key);
}

void Overlay::touch_neighbour(const NeighbourKey& key) {
  dirty_neighbours_.add({key, neighbour_mac(key)});
}

void Overlay::claim_address(const NeighbourKey& key, const EndpointRecord& endpoint) {
  const auto claimed = neighbours_.add(key, &endpoint);
  if (!claimed.changed) {
    return;
  }
  if (floating_.contains(key)) {
    touch_neighbour(key);  // goes before them all
  } else if (claimed.before != nullptr) {
    dirty_neighbours_.add({key, claimed.before->mac});
  } else {
    dirty_neighbours_.add({key, std::nullopt});
  }
}

void Overlay::unclaim_address(const NeighbourKey& key, const EndpointRecord& endpoint) {
  const auto before = neighbour_mac(key);
  if (neighbours_.remove(key, &endpoint)) {
    dirty_neighbours_.add({key, before});
  }
}

void Overlay::put_in_force(Vni vni, const EndpointRecord& holder, const FloatingAddress& floating) {
  const NeighbourKey key{vni, floating.address};
  touch_neighbour(key);
  floating_[key] = {&holder, &floating};
  if (floating.mac) {
    floating_macs_[{vni, *floating.mac}][{floating.generation, floating.address}] = &holder;
    dirty_fdb_.add({vni, *floating.mac});
  }
  if (holder.local != nullptr) {
    dirty_ports_.add(holder.local->host);
  }
}

void Overlay::take_out_of_force(Vni vni, const FloatingAddress& floating) {
  const NeighbourKey key{vni, floating.address};
  const auto place = floating_.find(key);
  touch_neighbour(key);
  if (place->second.holder->local != nullptr) {
    dirty_ports_.add(place->second.holder->local->host);
  }
  floating_.erase(place);
  if (!floating.mac) {
    return;
  }
  const auto moved = floating_macs_.find({vni, *floating.mac});
  moved->second.erase({floating.generation, floating.address});
  if (moved->second.empty()) {
    floating_macs_.erase(moved);
  }
  dirty_fdb_.add({vni, *floating.mac});
}

Overlay::EndpointRecord* Overlay::holder_of(NetworkRecord& network,
                                            const FloatingAddress& floating) {
  const auto id = ObjectId::parse(floating.endpoint_id);
  if (!id) {
    return nullptr;
  }
  if (const auto local = network.locals.find(*id); local != network.locals.end()) {
    return &local->second;
  }
  const auto stored = network.endpoints.find(*id);
  return stored == network.endpoints.end() ? nullptr : &stored->second;
}

void Overlay::upsert_floating(const FloatingAddress& floating) {
  const auto id = ObjectId::parse(floating.endpoint_id);
  if (!id) {
    return;  // the registry decodes no such key
  }
  const auto* known = this->floating(floating.network_id, floating.address);
  if (known != nullptr && (*known == floating || known->generation > floating.generation)) {
    return;
  }
  erase_floating(floating.network_id, floating.address);
  ++claims_revision_;
  auto& network = record_of(floating.network_id);
  const auto& kept = network.floating[floating.address] = floating;
  network.held[*id].insert(floating.address);
  auto* holder = holder_of(network, kept);
  if (holder != nullptr && holder->contributed) {
    if (active_.contains(holder->vni)) {
      put_in_force(holder->vni, *holder, kept);
    }
  }
}

void Overlay::erase_floating(const std::string& network_id, const IpAddress& address) {
  const auto place = networks_.find(network_id);
  if (place == networks_.end()) {
    return;
  }
  auto& network = place->second;
  const auto floating = network.floating.find(address);
  if (floating == network.floating.end()) {
    return;
  }
  if (auto* holder = holder_of(network, floating->second)) {
    const Vni vni = holder->vni;
    const auto in_force = floating_.find({vni, address});
    if (in_force != floating_.end() && in_force->second.floating == &floating->second) {
      take_out_of_force(vni, floating->second);
    }
  }
  ++claims_revision_;
  const auto held = network.held.find(*ObjectId::parse(floating->second.endpoint_id));
  held->second.erase(address);
  if (held->second.empty()) {
    network.held.erase(held);
  }
  network.floating.erase(floating);
  drop_if_empty(network_id);
}

const FloatingAddress* Overlay::floating(const std::string& network_id,
                                         const IpAddress& address) const {
  const auto network = networks_.find(network_id);
  if (network == networks_.end()) {
    return nullptr;
  }
  const auto place = network->second.floating.find(address);
  return place == network->second.floating.end() ? nullptr : &place->second;
}

std::uint64_t Overlay::latest_generation(const std::string& network_id) const {
  std::uint64_t latest = 0;
  if (const auto network = networks_.find(network_id); network != networks_.end()) {
    for (const auto& [address, floating] : network->second.floating) {
      latest = std::max(latest, floating.generation);
    }
  }
  return latest;
}

std::vector<FloatingAddress> Overlay::held_here() const {
  std::vector<FloatingAddress> result;
  for (const auto& [id, network] : networks_) {
    for (const auto& [address, floating] : network.floating) {
      if (locals_.contains(floating.endpoint_id)) {
        result.push_back(floating);
      }
    }
  }
  return result;
}

void Overlay::add_floating(ForwardingState& state) const {
  for (const auto& [key, in_force] : floating_) {
    state.neighbours.emplace(key, *neighbour_mac(key));
  }
  for (const auto& [key, moved] : floating_macs_) {
    state.fdb.emplace(key, fdb_entry(*fdb_owner(key)));
  }
}

void Overlay::settle_neighbours(ForwardingDelta& delta) {
  for (const auto& [key, before] : dirty_neighbours_.take()) {
    const auto now = neighbour_mac(key);
    auto old = before;
    if (now) {
      delta.neighbours_put.emplace_back(key, *now);
      if (const auto went = departed_.find(key); went != departed_.end()) {
        old = old ? old : std::optional(went->second);
        departed_.erase(went);
      }
      if (old && *old != *now) {
        moved_.push_back(key);
      }
      continue;
    }
    delta.neighbours_remove.push_back(key);
    if (before && active_.contains(key.vni)) {
      if (departed_.size() >= kMostDeparted) {
        departed_.erase(departed_.begin());
      }
      departed_.insert_or_assign(key, *before);
    }
  }
}

}  // namespace vtepd
