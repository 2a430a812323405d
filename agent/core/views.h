// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

// What `vtepctl` shows, as rows. The daemon fills them from its state, `vtepctl` itself from pinned
// maps and the state file while the daemon is down; api/json_codec gives both the same JSON.

struct NetworkView {
  std::string id;
  std::string name;
  std::string address_space;

  struct SubnetView {
    IpPrefix pool;
    IpPrefix gateway;
    Vni vni;
  };

  std::vector<SubnetView> subnets;
  std::optional<IpPrefix> v6_pool;
  std::uint32_t mtu = 0;  // of the endpoints' interfaces
  bool secure = false;
  std::uint64_t endpoints = 0;
};

struct HeldAddressView {
  IpAddress address;
  MacAddress mac;
};

struct EndpointView {
  std::string id;
  std::string name;
  std::string network;
  std::string network_id;
  Vni vni;
  MacAddress mac;
  std::optional<IpPrefix> address4;
  std::optional<IpPrefix> address6;
  IpAddress vtep;
  bool local = false;
  std::string state;                  // "up", "joining" (no sandbox yet), "withdrawing"
  std::string stale;                  // why nobody is behind it any more; empty: somebody is
  std::vector<HeldAddressView> held;  // floating addresses
  // Only for local ones:
  std::string netns;
  std::string ifname;
  std::string host_ifname;
  std::vector<IpPrefix> allowed_addresses;
  std::vector<MacAddress> allowed_macs;
  bool source_check = true;
  std::uint32_t mtu = 0;
};

struct FdbView {
  std::string network;
  Vni vni;
  MacAddress mac;
  std::optional<IpAddress> vtep;  // none: local
  std::string device;             // local: host end
  std::string endpoint;           // name, if known
};

struct NeighbourView {
  std::string network;
  Vni vni;
  IpAddress address;
  MacAddress mac;
};

struct VtepView {
  IpAddress address;
  std::uint32_t id = 0;  // in vtep_peers; 0: not in use by a map
  bool self = false;
  bool reachable = false;
  IpAddress next_hop;
  std::string device;
  std::uint32_t mtu = 0;
  std::string host;  // of the live vtepd there; empty: none seen (Docker, or down)
  std::string instance;
  std::uint64_t endpoints = 0;
};

struct DropView {
  std::string network;  // empty: not known or foreign
  Vni vni;
  std::string reason;  // "NOT_MEMBER"
  std::string kind;    // "forward", "pass" or "drop"
  std::string text;
  std::string hint;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// Something that is not as it should be: in the store, between it and gossip, or in the data path's
// tables.
struct DifferenceView {
  std::string kind;     // "count-off"; docs/api.md has all of them
  std::string network;  // name; empty: of none
  std::string network_id;
  std::string object;  // "endpoint web (3f2a91c04711)"
  std::string have;
  std::string want;
  std::string note;    // why, and what follows from it; for people
  std::string repair;  // the command that mends it; empty: none does
};

// One thing that `repair` does about a difference.
struct RepairView {
  std::string kind;
  std::string network;
  std::string network_id;
  std::string object;
  std::string from;
  std::string to;
  std::string state;  // "planned" (dry run), "done", "changed" (by somebody since), "failed"
  std::string error;
};

enum class Health { Well = 0, Degraded = 1, Down = 2 };

struct StatusView {
  Health health = Health::Well;
  std::vector<std::string> problems;  // one sentence each: what, since when, what to do
  std::string version;
  std::string instance;
  std::int64_t pid = 0;  // 0: the daemon is not running
  std::uint64_t uptime_seconds = 0;
  // Data path
  std::string dataplane;  // "bpf", "kernel"
  std::string mode;       // "tc"
  std::string mode_reason;
  std::string attach;  // "tcx"
  std::string tunnel_gro;
  std::string tunnel_state;
  std::string headroom;    // for the outer header: "bridge vteph4789 (3 endpoints)", or why none
  std::string tcp_frames;  // of endpoints: "up to 192 KiB", or shorter ones and why
  std::string checks;  // who sees to what an endpoint may send: "programs", "nftables", "none: …"
  // Underlay
  IpAddress vtep;
  std::string device;
  std::uint32_t underlay_mtu = 0;
  std::uint16_t port = 0;
  // Store
  std::string store;  // "file /var/lib/vtepd/store"
  bool store_ok = false;
  std::string store_problem;
  std::uint64_t store_down_seconds = 0;
  std::map<std::string, std::string> malformed_keys;  // key -> why
  std::uint64_t pending_withdrawals = 0;
  // Gossip
  std::string gossip;  // "serf 192.0.2.1:7946", or "none"
  bool gossip_ok = true;
  std::string gossip_problem;
  std::uint64_t gossip_down_seconds = 0;
  std::uint64_t gossip_members = 0;      // alive, this node too
  std::uint64_t gossip_malformed = 0;    // events, queries and frames that were skipped
  std::uint64_t gossip_provisional = 0;  // endpoints that only gossip told of
  std::uint64_t moves_limited = 0;       // announcements that were too many for one address
  // Counts
  std::uint64_t networks = 0;
  std::uint64_t endpoints = 0;
  std::uint64_t local_endpoints = 0;

  struct Table {
    std::string name;
    std::uint64_t used = 0;
    std::uint64_t size = 0;
    std::string option;
  };

  std::vector<Table> tables;
};

}  // namespace vtepd
