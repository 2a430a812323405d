// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/forwarding_state.h"
#include "netlink/link.h"
#include "netlink/overlay_netns.h"
#include "netlink/rtnl_socket.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::netlink {

// A bridge `br<VNI>` and its port `vx<VNI>`, a vxlan device.
struct VniPair {
  IfIndex bridge;
  IfIndex vxlan;
};

// What is in the namespace of the overlay networks.
struct OverlayLinks {
  std::map<Vni, VniPair> vnis;
  std::map<Vni, VniEntry> entries;    // what the devices say; only those that need no mending
  std::map<IfIndex, LinkInfo> ports;  // of bridges above: host ends of endpoints
  std::map<IfIndex, Vni> vni_of_port;
  std::map<IfIndex, Vni> vni_of_vxlan;
};

// Makes and mends the devices of a VNI as Docker's overlay driver lays them out: a vxlan device
// that answers ARP and neighbour solicitations from its neighbour table, learns nothing and tells
// of what it does not know, and a bridge that floods towards it alone. The device's socket is in
// the daemon's namespace, the device in that of the overlay networks.
//
// What is encapsulated looks as from the BPF programs: our VTEP as source, no UDP checksum over
// IPv4, TTL 64, don't fragment.
//
// Threading: one thread. Devices outlive the object.
class VniDevices {
 public:
  // The namespace of the calling thread is that of the underlay. `netns` stays open.
  static Result<VniDevices> open(int netns, const IpAddress& vtep, std::uint16_t port);

  Result<OverlayLinks> list();
  // Makes what is not there and mends what is otherwise; up when it returns. Unavailable: the
  // kernel has no such devices.
  Result<VniPair> put(Vni vni, const VniEntry& entry);
  // No error if they are gone.
  Result<void> remove(Vni vni);
  // Makes a host end a port of the bridge and sets it up. `name` is for errors.
  Result<void> add_port(IfIndex host_end, const std::string& name, IfIndex bridge);
  // Down, and no port any more. No error if it is gone.
  Result<void> remove_port(IfIndex host_end, const std::string& name);
  // What add_port() made of it, unless somebody changed it.
  [[nodiscard]] static bool is_right_port(const LinkInfo& link);

  // What every VNI has, and so their sockets; no error if there is nothing.
  Result<void> remove_all();

  [[nodiscard]] Socket& inside() { return inside_; }

 private:
  VniDevices(Socket outside, Socket inside, int netns, const IpAddress& vtep, std::uint16_t port)
      : outside_(std::move(outside)),
        inside_(std::move(inside)),
        netns_(netns),
        vtep_(vtep),
        port_(port) {}

  [[nodiscard]] bool is_right_vxlan(const LinkInfo& link, Vni vni) const;
  Result<IfIndex> put_bridge(Vni vni, const VniEntry& entry);
  Result<IfIndex> put_vxlan(Vni vni, const VniEntry& entry);
  Result<void> request_vxlan(Vni vni, const VniEntry& entry);
  Result<void> set_up_vxlan(const LinkInfo& link);
  Result<void> allow_neighbours(const std::string& name, std::uint32_t mtu);

  Socket outside_;
  Socket inside_;
  int netns_;
  IpAddress vtep_;
  std::uint16_t port_;
};

// Takes the devices of all VNIs and their namespace off the host. Its other devices go with it.
Result<void> remove_overlay(OverlayNetns& netns);

}  // namespace vtepd::netlink
