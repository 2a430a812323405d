// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/object_id.h"
#include "core/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

// What the store says. These types know Docker's notions but not its JSON (registry/ does).

// Overhead of VXLAN over IPv4: outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14 (RFC 7348).
inline constexpr std::uint32_t kOverhead4 = 50;
inline constexpr std::uint32_t kDefaultUnderlayMtu = 1500;
// Where the Serf of a dockerd listens, always.
inline constexpr std::uint16_t kDockerGossipPort = 7946;
inline constexpr const char* kDefaultAddressSpace = "GlobalDefault";

// One IPv4 subnet of a network; each has a VNI of its own, as in Docker.
struct Subnet {
  IpPrefix pool;     // host bits cleared
  IpPrefix gateway;  // reserved in the pool; nobody answers for it yet
  Vni vni;           // 0: not allocated yet (Docker allocates at the first join)
  bool operator==(const Subnet&) const = default;
};

struct Network {
  std::string id;  // 64 lower-case hex digits
  std::string name;
  std::string address_space = kDefaultAddressSpace;
  std::vector<Subnet> subnets;      // IPv4
  std::optional<IpPrefix> v6_pool;  // shares the first subnet's VNI
  std::uint32_t underlay_mtu = 0;   // as Docker keeps it: bytes of the underlay, 0 = 1500
  bool secure = false;              // Docker's encrypted overlay: not supported

  [[nodiscard]] std::uint32_t mtu() const {  // of the containers' interfaces
    return (underlay_mtu == 0 ? kDefaultUnderlayMtu : underlay_mtu) - kOverhead4;
  }

  // The subnet that holds the address, IPv6 counting to the first; nullptr if none does.
  [[nodiscard]] const Subnet* subnet_of(const IpAddress& address) const;
  bool operator==(const Network&) const = default;
};

struct Endpoint {
  std::string id;  // 64 lower-case hex digits
  std::string network_id;
  std::string name;
  MacAddress mac;
  std::optional<IpPrefix> address4;  // with the pool's prefix length
  std::optional<IpPrefix> address6;
  IpAddress vtep;       // Docker's locator
  std::string sandbox;  // empty: being made or already left; such an endpoint forwards nothing
  std::string owner;    // instance and host that wrote it, for ours; empty for Docker's

  [[nodiscard]] bool active() const { return !sandbox.empty() && !vtep.is_unspecified(); }

  bool operator==(const Endpoint&) const = default;
};

// What the tables of the core need of an endpoint, in less room: a million come at once.
struct PackedEndpoint {
  ObjectId id;
  std::string name;
  MacAddress mac;
  std::optional<IpPrefix> address4;
  std::optional<IpPrefix> address6;
  IpAddress vtep;
  std::string owner;
  bool active = false;

  static Result<PackedEndpoint> pack(const Endpoint& endpoint);
  bool operator==(const PackedEndpoint&) const = default;
};

// An address that an endpoint holds besides its own ones, or took over from another (VRRP, floating
// addresses). It has one holder at a time, and goes before the endpoint whose own address it is.
struct FloatingAddress {
  std::string network_id;
  IpAddress address;
  std::string endpoint_id;        // the holder
  std::optional<MacAddress> mac;  // that answers for it; none: the holder's own
  std::uint64_t generation = 0;   // grows with every move within the network
  bool operator==(const FloatingAddress&) const = default;
};

// A host that runs a live vtepd on this store (a key with a session).
struct Node {
  IpAddress vtep;
  std::string host;
  std::string instance;
  std::uint16_t gossip_port = 0;  // 0: none
  bool operator==(const Node&) const = default;
};

// What `network create` asks for. Exactly one IPv4 subnet, at most one IPv6 subnet.
struct NetworkSpec {
  std::string name;
  std::vector<IpPrefix> subnets;
  std::optional<Vni> vni;           // default: the lowest free one from 256
  std::uint32_t container_mtu = 0;  // 0: default
  std::string address_space = kDefaultAddressSpace;
};

// What `attach` asks the registry for.
struct EndpointSpec {
  std::string name;  // "": made from the id
  // Default: the lowest free one of the first subnet that has one.
  std::optional<IpAddress> address4;
  std::optional<IpAddress> address6;  // default: none
  std::optional<MacAddress> mac;      // default: docker_mac(address4)
  std::string interface_prefix = "eth";
};

}  // namespace vtepd
