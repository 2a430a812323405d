// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// The device that holds our VTEP address.
struct UnderlayDevice {
  IfIndex ifindex;
  std::string name;
  IpAddress address;
  std::uint32_t mtu = 0;
  bool up = false;
  MacAddress mac;
  std::string kind;  // of a virtual device: "veth", "bond"; empty for a NIC
};

// Where the underlay sends a packet to a VTEP now.
struct UnderlayRoute {
  IfIndex ifindex;
  IpAddress next_hop;     // gateway, or the VTEP itself when on link
  std::uint32_t mtu = 0;  // outer IP bytes
};

// Watches links, addresses, routes and rules of the daemon's namespace by netlink and resolves
// VTEPs to next hops. Called on the loop's thread only.
class Underlay {
 public:
  // Something that may change the answers, or an interface that went. Coalesced: many changes, one
  // call. `links_gone`: names that stopped meaning their interface since the last call: it was
  // deleted, moved to another namespace or renamed.
  using OnChange = std::function<void(const std::vector<std::string>& links_gone)>;

  virtual ~Underlay() = default;
  virtual void subscribe(OnChange callback) = 0;
  // By the configured address or device; NotFound names it.
  virtual Result<UnderlayDevice> device() = 0;
  // NotFound: no route to it.
  virtual Result<UnderlayRoute> resolve(const IpAddress& vtep) = 0;
  // net.ipv4.ip_local_port_range of the namespace: the kernel's own choice of source ports.
  virtual Result<std::pair<std::uint16_t, std::uint16_t>> port_range() = 0;
  // Whether a device itself cuts TCP frames in VXLAN into segments; else the kernel does, in front
  // of it.
  virtual Result<bool> segments_tunnels(IfIndex device) = 0;
};

}  // namespace vtepd
