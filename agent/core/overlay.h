// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/claims.h"
#include "core/forwarding_state.h"
#include "core/local_endpoint.h"
#include "core/model.h"
#include "core/object_id.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace vtepd {

// How a VTEP is reached now.
struct PeerRoute {
  IpAddress next_hop;
  IfIndex ifindex;
  std::uint32_t mtu = 0;
  bool operator==(const PeerRoute&) const = default;
};

// The tables of the core: networks and endpoints as the store has them, the endpoints of this host,
// the routes to VTEPs; and what follows from them for the data path. Only VNIs with a local
// endpoint are programmed. Each change costs in proportion to itself: it marks the keys it touches,
// and take_delta() looks those up. Pure; on one thread.
//
// Merge rules: an endpoint of this host wins over the store's word on it; of two endpoints that
// claim one MAC or address in a VNI a local one wins, else the lower id. An endpoint that the store
// places here but that we do not have forwards nothing.
class Overlay {
 public:
  struct EndpointRecord {
    ObjectId id;
    std::string name;
    MacAddress mac;
    std::optional<IpPrefix> address4;
    std::optional<IpPrefix> address6;
    IpAddress vtep;
    const LocalEndpoint* local = nullptr;
    bool active = false;       // has a sandbox
    bool ours = false;         // written by this instance
    bool contributed = false;  // stands in the claims
  };

  struct NetworkRecord {
    std::string id;
    std::optional<Network> network;  // none: the store has not told yet
    bool stored = false;             // the store has it (else only a local endpoint remembers it)
    std::unordered_map<ObjectId, EndpointRecord> endpoints;
    std::map<std::string, EndpointRecord> locals;  // by endpoint id
    std::map<IpAddress, std::uint32_t> vteps;      // remote VTEP -> active endpoints there
  };

  // `owner` is what the registry writes into this instance's endpoints.
  Overlay(IpAddress own_vtep, std::string owner);

  void upsert_network(const Network& network);
  void erase_network(const std::string& id);
  void upsert_endpoint(const Endpoint& endpoint);
  void erase_endpoint(const std::string& network_id, const std::string& id);
  void upsert_local(const LocalEndpoint& local);
  void erase_local(const std::string& id);

  // VTEPs in use whose route was never set; each is programmed as unreachable until it is.
  [[nodiscard]] std::vector<IpAddress> unrouted() const;
  [[nodiscard]] std::vector<IpAddress> vteps_in_use() const;
  void set_route(const IpAddress& vtep, const std::optional<PeerRoute>& route);
  // Keeps the ids that an earlier run gave; only before anything else was added.
  void adopt_peer_ids(const ForwardingState& adopted);

  [[nodiscard]] ForwardingState desired() const;
  // The next part of desired() in a walk over all of it: `next` is 0 at the beginning and at the
  // end. About `limit` keys, more where many claim one bucket. A key that is put or removed during
  // the walk may be left out of it.
  [[nodiscard]] ForwardingState desired_part(std::size_t& next, std::size_t limit) const;
  // What changed in desired() since the last call; a key that went is a removal.
  ForwardingDelta take_delta();
  // The next delta will have these again.
  void mark(const ForwardingDelta& failed);

  [[nodiscard]] const std::map<std::string, NetworkRecord>& networks() const { return networks_; }

  [[nodiscard]] const std::map<std::string, LocalEndpoint>& locals() const { return locals_; }

  // By name, full id or unique prefix of at least 8 digits; nullptr if none or several.
  [[nodiscard]] const NetworkRecord* find_network(const std::string& name_or_id) const;

  [[nodiscard]] const EndpointRecord* fdb_owner(const FdbKey& key) const {
    return fdb_.winner(key);
  }

  [[nodiscard]] const NetworkRecord* network_of(Vni vni) const;
  [[nodiscard]] std::uint32_t peer_id(const IpAddress& vtep) const;
  [[nodiscard]] std::optional<PeerRoute> route(const IpAddress& vtep) const;
  [[nodiscard]] std::size_t endpoint_count() const;

  [[nodiscard]] std::size_t conflicts() const { return fdb_.conflicts() + neighbours_.conflicts(); }

  // Endpoints that this instance wrote and does not have.
  [[nodiscard]] std::vector<Endpoint> orphans() const;

  [[nodiscard]] const IpAddress& own_vtep() const { return own_vtep_; }

 private:
  struct Before {
    bool operator()(const EndpointRecord& a, const EndpointRecord& b) const {
      const bool a_local = a.local != nullptr;
      const bool b_local = b.local != nullptr;
      return a_local != b_local ? a_local : a.id < b.id;
    }
  };

  struct Peer {
    std::uint32_t id = 0;
    std::uint32_t uses = 0;
    bool routed = false;
    std::optional<PeerRoute> route;
  };

  struct ActiveVni {
    NetworkRecord* network = nullptr;
    std::uint32_t locals = 0;
  };

  NetworkRecord& record_of(const std::string& network_id);
  [[nodiscard]] static Vni vni_of(const NetworkRecord& network, const EndpointRecord& endpoint);
  [[nodiscard]] bool counts(const NetworkRecord& network, const EndpointRecord& endpoint) const;
  void add(NetworkRecord& network, EndpointRecord& endpoint);
  void remove(NetworkRecord& network, EndpointRecord& endpoint);
  void contribute(NetworkRecord& network, EndpointRecord& endpoint);
  void withdraw(NetworkRecord& network, EndpointRecord& endpoint);
  void replace_network(NetworkRecord& record, std::optional<Network> network);
  void activate(NetworkRecord& network, Vni vni);
  void deactivate(NetworkRecord& network, Vni vni);
  void use_peer(const IpAddress& vtep);
  void drop_peer(const IpAddress& vtep);
  void touch_members(const NetworkRecord& network, const IpAddress& vtep);
  void drop_if_empty(const std::string& network_id);

  void add_peers_and_ports(ForwardingState& state) const;
  void add_members(Vni vni, const NetworkRecord& network, ForwardingState& state) const;
  [[nodiscard]] FdbEntry fdb_entry(const EndpointRecord& endpoint) const;
  [[nodiscard]] PeerEntry peer_entry(const IpAddress& vtep, const Peer& peer) const;
  [[nodiscard]] static PortEntry port_entry(const LocalEndpoint& local, Vni vni);
  [[nodiscard]] bool is_member(const MemberKey& key) const;

  IpAddress own_vtep_;
  std::string owner_;
  std::map<std::string, NetworkRecord> networks_;
  std::map<std::string, LocalEndpoint> locals_;
  std::map<Vni, ActiveVni> active_;
  std::map<IpAddress, Peer> peers_;
  std::map<std::uint32_t, IpAddress> peer_ids_;
  Claims<FdbKey, EndpointRecord, ForwardingHash, Before> fdb_;
  Claims<NeighbourKey, EndpointRecord, ForwardingHash, Before> neighbours_;

  std::unordered_set<FdbKey, ForwardingHash> dirty_fdb_;
  std::unordered_set<NeighbourKey, ForwardingHash> dirty_neighbours_;
  std::unordered_set<MemberKey, ForwardingHash> dirty_members_;
  std::unordered_set<std::uint32_t> dirty_peers_;
  std::unordered_set<IfIndex, ForwardingHash> dirty_ports_;
  std::unordered_set<Vni, ForwardingHash> dirty_vnis_;
};

}  // namespace vtepd
