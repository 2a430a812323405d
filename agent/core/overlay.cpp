// SPDX-License-Identifier: GPL-2.0-only
#include "core/overlay.h"

#include <utility>

namespace vtepd {

Overlay::Overlay(IpAddress own_vtep, std::string owner)
    : own_vtep_(own_vtep),
      owner_(std::move(owner)),
      memory_(std::make_unique<std::pmr::unsynchronized_pool_resource>()),
      fdb_(memory_.get()),
      neighbours_(memory_.get()) {}

Overlay::NetworkRecord& Overlay::record_of(const std::string& network_id) {
  auto& record = networks_.try_emplace(network_id, memory_.get()).first->second;
  record.id = network_id;
  return record;
}

Overlay::EndpointRecord Overlay::described(PackedEndpoint&& endpoint) {
  return {.id = endpoint.id,
          .name = std::move(endpoint.name),
          .mac = endpoint.mac,
          .address4 = endpoint.address4,
          .address6 = endpoint.address6,
          .vtep = endpoint.vtep,
          .active = endpoint.active,
          .vni = {}};
}

Vni Overlay::vni_of(const NetworkRecord& network, const EndpointRecord& endpoint) {
  if (!network.network) {
    return {};
  }
  const auto& prefix = endpoint.address4 ? endpoint.address4 : endpoint.address6;
  const auto* subnet = prefix ? network.network->subnet_of(prefix->address) : nullptr;
  return subnet == nullptr ? Vni{} : subnet->vni;
}

bool Overlay::counts(const NetworkRecord& network, const EndpointRecord& endpoint) const {
  if (endpoint.local != nullptr) {
    return true;
  }
  return endpoint.active && endpoint.vtep != own_vtep_ && !network.locals.contains(endpoint.id);
}

void Overlay::upsert_network(const Network& network) {
  auto& record = record_of(network.id);
  record.stored = true;
  if (record.network != network) {
    replace_network(record, network);
  }
}

void Overlay::erase_network(const std::string& id) {
  const auto place = networks_.find(id);
  if (place == networks_.end()) {
    return;
  }
  place->second.stored = false;
  // An endpoint of this host keeps forwarding: its network is what the attach recorded.
  if (place->second.locals.empty()) {
    replace_network(place->second, std::nullopt);
    drop_if_empty(id);
  }
}

void Overlay::replace_network(NetworkRecord& record, std::optional<Network> network) {
  for (auto& [id, endpoint] : record.endpoints) {
    remove(record, endpoint);
  }
  for (auto& [id, endpoint] : record.locals) {
    remove(record, endpoint);
  }
  for (auto& [id, endpoint] : record.provisional) {
    remove(record, endpoint);
  }
  record.network = std::move(network);
  for (auto& [id, endpoint] : record.locals) {
    add(record, endpoint);
  }
  for (auto& [id, endpoint] : record.endpoints) {
    add(record, endpoint);
  }
  for (auto& [id, endpoint] : record.provisional) {
    add(record, endpoint);
  }
}

void Overlay::upsert_endpoint(const Endpoint& endpoint) {
  if (auto packed = PackedEndpoint::pack(endpoint)) {  // the registry decodes no other
    upsert(record_of(endpoint.network_id), std::move(*packed));
  }
}

void Overlay::expect_endpoints(const std::string& network_id, std::size_t count) {
  auto& network = record_of(network_id);
  if (count > network.endpoints.size()) {
    network.endpoints.reserve(count);
  }
  if (!network.locals.empty()) {
    expect_claims(count);
  }
}

void Overlay::expect_claims(std::size_t count) {
  fdb_.expect(count);
  neighbours_.expect(count);
}

void Overlay::upsert_endpoints(const std::string& network_id,
                               std::vector<PackedEndpoint> endpoints) {
  auto& network = record_of(network_id);
  for (auto& endpoint : endpoints) {
    upsert(network, std::move(endpoint));
  }
}

void Overlay::upsert(NetworkRecord& network, PackedEndpoint&& endpoint) {
  auto& record = network.endpoints[endpoint.id];
  remove(network, record);
  const bool ours = !owner_.empty() && endpoint.owner == owner_;
  record = described(std::move(endpoint));
  record.ours = ours;
  add(network, record);
}

void Overlay::erase_endpoint(const std::string& network_id, const std::string& id) {
  const auto place = networks_.find(network_id);
  const auto parsed = ObjectId::parse(id);
  if (place == networks_.end() || !parsed) {
    return;
  }
  const auto endpoint = place->second.endpoints.find(*parsed);
  if (endpoint != place->second.endpoints.end()) {
    remove(place->second, endpoint->second);
    place->second.endpoints.erase(endpoint);
    drop_if_empty(network_id);
  }
}

void Overlay::upsert_provisional(const Endpoint& endpoint) {
  auto packed = PackedEndpoint::pack(endpoint);
  const auto place = networks_.find(endpoint.network_id);
  if (!packed || place == networks_.end()) {
    return;
  }
  auto& record = place->second.provisional[packed->id];
  remove(place->second, record);
  record = described(std::move(*packed));
  record.active = true;
  record.provisional = true;
  add(place->second, record);
}

void Overlay::erase_provisional(const std::string& network_id, const std::string& id) {
  const auto place = networks_.find(network_id);
  const auto parsed = ObjectId::parse(id);
  if (place == networks_.end() || !parsed) {
    return;
  }
  const auto record = place->second.provisional.find(*parsed);
  if (record != place->second.provisional.end()) {
    remove(place->second, record->second);
    place->second.provisional.erase(record);
    drop_if_empty(network_id);
  }
}

void Overlay::upsert_local(const LocalEndpoint& local) {
  erase_local(local.endpoint.id);
  ++claims_revision_;
  auto packed = PackedEndpoint::pack(local.endpoint);
  if (!packed) {
    return;
  }
  const ObjectId id = packed->id;
  auto& network = record_of(local.endpoint.network_id);
  if (!network.network) {
    replace_network(network, local.network);
  }
  // The store's record of it, if any, steps back before the local one takes its place.
  const auto stored = network.endpoints.find(id);
  if (stored != network.endpoints.end()) {
    remove(network, stored->second);
  }
  const auto& kept = locals_[local.endpoint.id] = local;
  auto& record = network.locals[id];
  record = described(std::move(*packed));
  record.vtep = own_vtep_;
  record.local = &kept;
  record.active = true;
  record.ours = true;
  add(network, record);
}

void Overlay::erase_local(const std::string& id) {
  const auto local = locals_.find(id);
  if (local == locals_.end()) {
    return;
  }
  ++claims_revision_;
  const std::string network_id = local->second.endpoint.network_id;
  auto& network = record_of(network_id);
  const auto record = network.locals.find(*ObjectId::parse(id));
  if (record != network.locals.end()) {
    remove(network, record->second);
    const auto stored = network.endpoints.find(record->second.id);
    network.locals.erase(record);
    if (stored != network.endpoints.end()) {
      add(network, stored->second);  // what the store says counts again
    }
  }
  locals_.erase(local);
  if (!network.stored && network.locals.empty()) {
    replace_network(network, std::nullopt);
  }
  drop_if_empty(network_id);
}

void Overlay::drop_if_empty(const std::string& network_id) {
  const auto place = networks_.find(network_id);
  if (place != networks_.end() && !place->second.stored && place->second.endpoints.empty() &&
      place->second.locals.empty() && place->second.provisional.empty() &&
      place->second.floating.empty()) {
    networks_.erase(place);
  }
}

// Counts the endpoint's VTEP into the network's members, opens its VNI if it is the first local one
// there, and lets it claim its keys.
void Overlay::add(NetworkRecord& network, EndpointRecord& endpoint) {
  const Vni vni = vni_of(network, endpoint);
  if (endpoint.contributed || vni == Vni{} || !counts(network, endpoint)) {
    return;
  }
  endpoint.contributed = true;
  endpoint.vni = vni;
  if (endpoint.local == nullptr) {
    if (++network.vteps[endpoint.vtep] == 1) {
      touch_members(network, endpoint.vtep);
    }
    if (active_.contains(vni)) {
      contribute(network, endpoint);
    }
    return;
  }
  dirty_ports_.add(endpoint.local->host);
  auto& active = active_[vni];
  if (++active.locals == 1) {
    active.network = &network;
    activate(network, vni);
  } else {
    contribute(network, endpoint);
  }
}

void Overlay::remove(NetworkRecord& network, EndpointRecord& endpoint) {
  if (!endpoint.contributed) {
    return;
  }
  const Vni vni = endpoint.vni;
  const auto active = active_.find(vni);
  if (active != active_.end()) {
    withdraw(network, endpoint);
  }
  endpoint.contributed = false;
  if (endpoint.local == nullptr) {
    const auto uses = network.vteps.find(endpoint.vtep);
    if (--uses->second == 0) {
      network.vteps.erase(uses);
      touch_members(network, endpoint.vtep);
    }
    return;
  }
  dirty_ports_.add(endpoint.local->host);
  if (--active->second.locals == 0) {
    deactivate(network, vni);
    active_.erase(active);
  }
}

void Overlay::activate(NetworkRecord& network, Vni vni) {
  dirty_vnis_.add(vni);
  expect_claims(network.endpoints.size());
  for (const auto& [vtep, uses] : network.vteps) {
    dirty_members_.add({vni, vtep});
  }
  for (auto& [id, endpoint] : network.locals) {
    if (endpoint.contributed && endpoint.vni == vni) {
      contribute(network, endpoint);
    }
  }
  for (auto* records : {&network.endpoints, &network.provisional}) {
    for (auto& [id, endpoint] : *records) {
      if (endpoint.contributed && endpoint.vni == vni) {
        contribute(network, endpoint);
      }
    }
  }
}

void Overlay::deactivate(NetworkRecord& network, Vni vni) {
  dirty_vnis_.add(vni);
  for (const auto& [vtep, uses] : network.vteps) {
    dirty_members_.add({vni, vtep});
  }
  for (auto* records : {&network.endpoints, &network.provisional}) {
    for (auto& [id, endpoint] : *records) {
      if (endpoint.contributed && endpoint.vni == vni) {
        withdraw(network, endpoint);
      }
    }
  }
}

void Overlay::contribute(NetworkRecord& network, EndpointRecord& endpoint) {
  const Vni vni = endpoint.vni;
  if (endpoint.local == nullptr) {
    endpoint.peer = use_peer(endpoint.vtep);
  }
  if (fdb_.add({vni, endpoint.mac}, &endpoint).changed) {
    dirty_fdb_.add({vni, endpoint.mac});
  }
  for (const auto& address : {endpoint.address4, endpoint.address6}) {
    if (address) {
      claim_address({vni, address->address}, endpoint);
    }
  }
  if (network.held.empty() || endpoint.provisional) {
    return;
  }
  if (const auto held = network.held.find(endpoint.id); held != network.held.end()) {
    for (const auto& address : held->second) {
      put_in_force(vni, endpoint, network.floating.at(address));
    }
  }
}

void Overlay::withdraw(NetworkRecord& network, EndpointRecord& endpoint) {
  const Vni vni = endpoint.vni;
  if (endpoint.local == nullptr) {
    drop_peer(endpoint.vtep);
  }
  if (fdb_.remove({vni, endpoint.mac}, &endpoint)) {
    dirty_fdb_.add({vni, endpoint.mac});
  }
  for (const auto& address : {endpoint.address4, endpoint.address6}) {
    if (address) {
      unclaim_address({vni, address->address}, endpoint);
    }
  }
  if (const auto held = network.held.find(endpoint.id); held != network.held.end()) {
    for (const auto& address : held->second) {
      const auto place = floating_.find({vni, address});
      if (place != floating_.end() && place->second.holder == &endpoint) {
        take_out_of_force(vni, network.floating.at(address));
      }
    }
  }
}

}  // namespace vtepd
