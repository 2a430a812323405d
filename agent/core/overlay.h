// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/claims.h"
#include "core/forwarding_state.h"
#include "core/local_endpoint.h"
#include "core/model.h"
#include "core/object_id.h"
#include "core/touched.h"

#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
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
// claim one MAC or address in a VNI a local one wins, then one that the store has over one that
// only gossip told of (gossip_merge.h says which those are), else the lower id. An endpoint that
// the store places here but that we do not have forwards nothing. The holder of a floating address
// goes before all of them; the MAC of several floating addresses is where the latest of them moved.
class Overlay {
 public:
  struct EndpointRecord {
    ObjectId id;
    std::string name;
    MacAddress mac;
    std::optional<IpPrefix> address4;
    std::optional<IpPrefix> address6;
    IpAddress vtep;
    bool active = false;       // has a sandbox
    bool ours = false;         // written by this instance
    bool contributed = false;  // stands in the claims
    bool provisional = false;  // heard of by gossip; goes behind what the store says
    Vni vni;                   // while it contributes
    std::uint32_t peer = 0;    // id of the VTEP, while it claims its keys; 0: local
    const LocalEndpoint* local = nullptr;
  };

  using Records = std::pmr::unordered_map<ObjectId, EndpointRecord>;

  struct NetworkRecord {
    explicit NetworkRecord(std::pmr::memory_resource* memory) : endpoints(memory) {}

    std::string id;
    std::optional<Network> network;  // none: the store has not told yet
    bool stored = false;             // the store has it (else only a local endpoint remembers it)
    Records endpoints;
    std::map<ObjectId, EndpointRecord> locals;
    Records provisional;
    std::map<IpAddress, std::uint32_t> vteps;  // remote VTEP -> active endpoints there
    std::map<IpAddress, FloatingAddress> floating;
    std::unordered_map<ObjectId, std::set<IpAddress>> held;  // by holder, the keys of `floating`
  };

  // `owner` is what the registry writes into this instance's endpoints.
  Overlay(IpAddress own_vtep, std::string owner);

  void upsert_network(const Network& network);
  void erase_network(const std::string& id);
  void upsert_endpoint(const Endpoint& endpoint);
  // So many may come: tables that have room from the start are not built anew as they grow.
  void expect_endpoints(const std::string& network_id, std::size_t count);
  void upsert_endpoints(const std::string& network_id, std::vector<PackedEndpoint> endpoints);
  void erase_endpoint(const std::string& network_id, const std::string& id);
  // Of a network that is known. Beside what the store says of the same endpoint, if it does.
  void upsert_provisional(const Endpoint& endpoint);
  void erase_provisional(const std::string& network_id, const std::string& id);
  void upsert_local(const LocalEndpoint& local);
  void erase_local(const std::string& id);
  void upsert_floating(const FloatingAddress& floating);
  void erase_floating(const std::string& network_id, const IpAddress& address);

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
  // What turns `have` into desired(); take_delta() goes on from there, and nothing has moved.
  ForwardingDelta take_difference(const ForwardingState& have);
  // The next delta will have these again.
  void mark(const ForwardingDelta& failed);

  // Addresses that got another MAC by the deltas since the last call: endpoints may remember the
  // old one.
  [[nodiscard]] std::vector<NeighbourKey> take_moved() { return std::exchange(moved_, {}); }

  [[nodiscard]] const std::map<std::string, NetworkRecord>& networks() const { return networks_; }

  [[nodiscard]] const std::map<std::string, LocalEndpoint>& locals() const { return locals_; }

  // Grows with every change of local endpoints or floating addresses.
  [[nodiscard]] std::uint64_t claims_revision() const { return claims_revision_; }

  // By name, full id or unique prefix of at least 8 digits; nullptr if none or several.
  [[nodiscard]] const NetworkRecord* find_network(const std::string& name_or_id) const;

  [[nodiscard]] const EndpointRecord* fdb_owner(const FdbKey& key) const;

  [[nodiscard]] const NetworkRecord* network_of(Vni vni) const;
  // Whether an endpoint of this host is in the network.
  [[nodiscard]] bool is_used_here(const std::string& network_id) const;

  // An endpoint of this host is in it, so it is programmed.
  [[nodiscard]] bool is_active(Vni vni) const { return active_.contains(vni); }

  [[nodiscard]] std::uint32_t peer_id(const IpAddress& vtep) const;
  [[nodiscard]] std::optional<PeerRoute> route(const IpAddress& vtep) const;
  [[nodiscard]] std::size_t endpoint_count() const;

  [[nodiscard]] std::size_t conflicts() const { return fdb_.conflicts() + neighbours_.conflicts(); }

  // What answers for an address, and who that is; only in VNIs with a local endpoint.
  [[nodiscard]] std::optional<MacAddress> neighbour_mac(const NeighbourKey& key) const;
  [[nodiscard]] const EndpointRecord* neighbour_owner(const NeighbourKey& key) const;
  // Id of the endpoint that has it as its own, whoever holds it now.
  [[nodiscard]] std::optional<std::string> own_of(const NeighbourKey& key) const;
  // Nullptr: nobody took that address.
  [[nodiscard]] const FloatingAddress* floating(const std::string& network_id,
                                                const IpAddress& address) const;
  [[nodiscard]] std::uint64_t latest_generation(const std::string& network_id) const;
  // Those that endpoints of this host hold.
  [[nodiscard]] std::vector<FloatingAddress> held_here() const;

  // Endpoints that this instance wrote and does not have.
  [[nodiscard]] std::vector<Endpoint> orphans() const;

  [[nodiscard]] const IpAddress& own_vtep() const { return own_vtep_; }

 private:
  struct Before {
    bool operator()(const EndpointRecord& a, const EndpointRecord& b) const {
      const bool a_local = a.local != nullptr;
      const bool b_local = b.local != nullptr;
      if (a_local != b_local) {
        return a_local;
      }
      return a.provisional != b.provisional ? b.provisional : a.id < b.id;
    }
  };

  struct Peer {
    std::uint32_t id = 0;
    std::uint32_t uses = 0;
    bool routed = false;
    std::optional<PeerRoute> route;
  };

  struct InForce {
    const EndpointRecord* holder = nullptr;
    const FloatingAddress* floating = nullptr;
  };

  // An address, and the MAC that answered for it before a change.
  using Answered = std::pair<NeighbourKey, std::optional<MacAddress>>;

  struct AnsweredKey {
    const NeighbourKey& operator()(const Answered& answered) const { return answered.first; }
  };

  // When it moved there: the latest wins.
  using Moved = std::pair<std::uint64_t, IpAddress>;

  struct ActiveVni {
    NetworkRecord* network = nullptr;
    std::uint32_t locals = 0;
  };

  NetworkRecord& record_of(const std::string& network_id);
  // What every kind of record has of the endpoint.
  static EndpointRecord described(PackedEndpoint&& endpoint);
  void upsert(NetworkRecord& network, PackedEndpoint&& endpoint);
  void expect_claims(std::size_t count);
  [[nodiscard]] static Vni vni_of(const NetworkRecord& network, const EndpointRecord& endpoint);
  [[nodiscard]] bool counts(const NetworkRecord& network, const EndpointRecord& endpoint) const;
  void add(NetworkRecord& network, EndpointRecord& endpoint);
  void remove(NetworkRecord& network, EndpointRecord& endpoint);
  void contribute(NetworkRecord& network, EndpointRecord& endpoint);
  void withdraw(NetworkRecord& network, EndpointRecord& endpoint);
  void replace_network(NetworkRecord& record, std::optional<Network> network);
  void activate(NetworkRecord& network, Vni vni);
  void deactivate(NetworkRecord& network, Vni vni);
  std::uint32_t use_peer(const IpAddress& vtep);
  void drop_peer(const IpAddress& vtep);
  void touch_members(const NetworkRecord& network, const IpAddress& vtep);
  void drop_if_empty(const std::string& network_id);
  void claim_address(const NeighbourKey& key, const EndpointRecord& endpoint);
  void unclaim_address(const NeighbourKey& key, const EndpointRecord& endpoint);
  void put_in_force(Vni vni, const EndpointRecord& holder, const FloatingAddress& floating);
  void take_out_of_force(Vni vni, const FloatingAddress& floating);
  [[nodiscard]] EndpointRecord* holder_of(NetworkRecord& network, const FloatingAddress& floating);
  void touch_neighbour(const NeighbourKey& key);
  void settle_neighbours(ForwardingDelta& delta);
  void settle_ports(ForwardingDelta& delta);
  void forget_touched();

  // Each entry of desired() once.
  void visit_fdb(const auto& visit) const;
  void visit_neighbours(const auto& visit) const;
  [[nodiscard]] ForwardingState desired_hosts() const;
  void add_peers_and_ports(ForwardingState& state) const;
  void add_members(Vni vni, const NetworkRecord& network, ForwardingState& state) const;
  void add_floating(ForwardingState& state) const;
  [[nodiscard]] FdbEntry fdb_entry(const EndpointRecord& endpoint) const;
  [[nodiscard]] PeerEntry peer_entry(const IpAddress& vtep, const Peer& peer) const;
  [[nodiscard]] PortEntry port_entry(const LocalEndpoint& local, Vni vni) const;
  [[nodiscard]] bool is_member(const MemberKey& key) const;

  IpAddress own_vtep_;
  std::string owner_;
  // Of the tables that are as large as the number of endpoints: without a header for each node, and
  // nothing else between them that would keep their pages.
  std::unique_ptr<std::pmr::unsynchronized_pool_resource> memory_;
  std::uint64_t claims_revision_ = 1;
  std::map<std::string, NetworkRecord> networks_;
  std::map<std::string, LocalEndpoint> locals_;
  std::map<Vni, ActiveVni> active_;
  std::map<IpAddress, Peer> peers_;
  std::map<std::uint32_t, IpAddress> peer_ids_;
  Claims<FdbKey, EndpointRecord, ForwardingHash, Before> fdb_;
  Claims<NeighbourKey, EndpointRecord, ForwardingHash, Before> neighbours_;
  // Floating addresses whose holder is there, and the MACs that came with them.
  std::map<NeighbourKey, InForce> floating_;
  std::map<FdbKey, std::map<Moved, const EndpointRecord*>> floating_macs_;

  Touched<FdbKey> dirty_fdb_;
  Touched<Answered, AnsweredKey> dirty_neighbours_;
  std::map<NeighbourKey, MacAddress> departed_;  // went, and may come back with another MAC
  std::vector<NeighbourKey> moved_;
  Touched<MemberKey> dirty_members_;
  Touched<std::uint32_t> dirty_peers_;
  Touched<IfIndex> dirty_ports_;
  Touched<Vni> dirty_vnis_;
};

}  // namespace vtepd
