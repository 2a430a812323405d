// SPDX-License-Identifier: GPL-2.0-only
// What gossip says and asks, carried out; and what it is told.
#include "app/agent.h"
#include "vtepd/reasons.h"

#include <utility>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

// The store is read as a whole at most this often because of what gossip or an endpoint said.
constexpr auto kHeardInterval = 1s;
constexpr auto kMissInterval = 10s;
// Containers that are told of one address that moved.
constexpr std::size_t kMostTold = 4096;

// Docker's containers have their IPv4 address in the last four bytes of their MAC.
IpAddress address_in(const MacAddress& mac) {
  std::uint32_t value = 0;
  for (std::size_t i = 2; i < mac.bytes.size(); ++i) {
    value = value << 8U | mac.bytes.at(i);
  }
  return IpAddress::v4(value);
}

}  // namespace

void Agent::start_gossip() {
  gossip_->on_store(store_problem_.empty());
  for (const auto& endpoint : pending_) {
    tell_gossip_it_went(endpoint);
  }
  gossip_->on_local_change();
  gossip_->start();
}

void Agent::on_gossip(const GossipMerge::Orders& orders) {
  for (const auto& endpoint : orders.install) {
    overlay_.upsert_provisional(endpoint);
  }
  for (const auto& [network_id, endpoint_id] : orders.remove) {
    overlay_.erase_provisional(network_id, endpoint_id);
  }
  if (!orders.install.empty() || !orders.remove.empty()) {
    (void)program();
  }
  for (const auto& [network_id, endpoint_id] : orders.read) {
    on_worker<KvEvent>([registry = &ports_.registry, network_id,
                        endpoint_id] { return registry->reread_endpoint(network_id, endpoint_id); },
                       [this](const Result<KvEvent>& event) {
                         if (event && reread_) {
                           reread_(*event);
                         }
                       });
  }
  if (orders.read_all) {
    (void)refresh_store(kHeardInterval);
  }
}

void Agent::tell_gossip_of_hosts() {
  if (!gossip_ || !std::exchange(hosts_changed_, false)) {
    return;
  }
  std::map<IpAddress, std::uint16_t> hosts;
  bool docker = false;
  for (const auto& address : docker_hosts_) {
    hosts.emplace(address, kDockerGossipPort);
    // A vtepd that gossips on Docker's port is listed like a dockerd.
    const auto node = nodes_.find(address);
    const bool listed = node != nodes_.end() && node->second.gossip_port == kDockerGossipPort;
    docker = docker || docker_hosts_.count(address) > (listed ? 1U : 0U);
  }
  for (const auto& [vtep, node] : nodes_) {
    if (node.gossip_port != 0) {
      hosts[vtep] = node.gossip_port;
    }
  }
  gossip_->set_hosts(hosts, docker);
}

// Nobody is known to have what an endpoint asked for: perhaps we have not heard of it yet. The
// kernel's l3miss and, by the address in the MAC, its l2miss.
void Agent::on_miss(const DataplaneEvent& event) {
  const bool l2 = event.reason == VTEP_UNKNOWN_UNICAST;
  if (!l2 && event.reason != VTEP_ARP_UNKNOWN && event.reason != VTEP_ND_UNKNOWN) {
    return;
  }
  const auto* network = overlay_.network_of(event.vni);
  const auto address = l2 ? address_in(event.mac) : event.address;
  if (network == nullptr || network->network->subnet_of(address) == nullptr) {
    return;
  }
  if (gossip_) {
    gossip_->on_miss(*network, address);
  }
  (void)refresh_store(kMissInterval);
}

// Before an address moves to an endpoint of this host: who has it now, elsewhere.
void Agent::tell_gossip_of_move(const FloatingAddress& wanted) {
  const auto network = overlay_.networks().find(wanted.network_id);
  const auto local = overlay_.locals().find(wanted.endpoint_id);
  if (!gossip_ || !wanted.address.is_v4() || network == overlay_.networks().end() ||
      local == overlay_.locals().end() || !local->second.endpoint.address4) {
    return;
  }
  const NeighbourKey key{vni_of(local->second), wanted.address};
  const auto* owner = overlay_.neighbour_owner(key);
  const auto mac = overlay_.neighbour_mac(key);
  if (owner != nullptr && owner->local == nullptr && mac) {
    gossip_->take_over({.network_id = wanted.network_id,
                        .endpoint_id = owner->id.to_string(),
                        .vtep = owner->vtep,
                        .address = {wanted.address, local->second.endpoint.address4->length},
                        .mac = *mac});
  }
}

void Agent::tell_gossip_it_went(const Endpoint& endpoint) {
  if (gossip_ && endpoint.address4) {
    gossip_->take_back({.network_id = endpoint.network_id,
                        .endpoint_id = endpoint.id,
                        .vtep = endpoint.vtep,
                        .address = *endpoint.address4,
                        .mac = endpoint.mac});
  }
}

void Agent::tell_gossip_who_left(const std::string& network_id, const std::string& endpoint_id) {
  const auto network = overlay_.networks().find(network_id);
  const auto id = ObjectId::parse(endpoint_id);
  if (!gossip_ || !id || network == overlay_.networks().end()) {
    return;
  }
  if (options_.follows_in_use && !followed_.has(network_id)) {
    return;  // nobody left: we do not look at the network any more
  }
  const auto endpoint = network->second.endpoints.find(*id);
  if (endpoint == network->second.endpoints.end() || !endpoint->second.address4 ||
      endpoint->second.vtep == options_.vtep) {
    return;
  }
  gossip_->on_left({.network_id = network_id,
                    .endpoint_id = endpoint_id,
                    .vtep = endpoint->second.vtep,
                    .address = *endpoint->second.address4,
                    .mac = endpoint->second.mac});
}

// Vtepd hosts tell their endpoints of an address that moved. Docker's do not, and its containers
// would go on with the MAC that they remember.
void Agent::announce_beyond_vtepd(const FloatingAddress& moved) {
  const auto network = overlay_.networks().find(moved.network_id);
  const auto local = overlay_.locals().find(moved.endpoint_id);
  if (!moved.address.is_v4() || network == overlay_.networks().end() ||
      local == overlay_.locals().end()) {
    return;
  }
  RemoteAnnouncement announcement{.from = overlay_.own_vtep(),
                                  .port = options_.port,
                                  .vni = vni_of(local->second),
                                  .address = moved.address,
                                  .mac = moved.mac.value_or(local->second.endpoint.mac),
                                  .receivers = {}};
  for (const auto& [id, endpoint] : network->second.endpoints) {
    const bool told_by_vtepd =
        nodes_.contains(endpoint.vtep) || endpoint.vtep == overlay_.own_vtep();
    if (endpoint.active && !told_by_vtepd && announcement.receivers.size() < kMostTold) {
      announcement.receivers.push_back({endpoint.vtep, endpoint.mac});
    }
  }
  if (announcement.receivers.empty()) {
    return;
  }
  if (const auto sent = ports_.links.announce_remote(announcement); !sent) {
    spdlog::warn("cannot tell every container that an address has another MAC address={}: {}",
                 moved.address.to_string(), sent.error().what);
  }
}

}  // namespace vtepd
