// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/rtnl_socket.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::netlink {

struct VxlanInfo {
  std::uint32_t vni = 0;
  std::uint16_t port = 0;  // host order
  bool learning = false;
  bool external = false;  // collect-metadata
  bool has_remote = false;
  bool proxy = false;   // answers ARP and neighbour solicitations from its neighbours
  bool l2miss = false;  // tells of MACs and addresses that it does not know
  bool l3miss = false;
  bool checksum = false;  // of UDP over IPv4, sent
  std::uint8_t tos = 0;
  std::uint8_t ttl = 0;
  std::uint8_t df = 0;  // VXLAN_DF_*
  std::optional<IpAddress> local;
};

// How a bridge treats one of its ports.
struct BridgePortInfo {
  bool learning = false;
  bool unicast_flood = false;
  bool multicast_flood = false;
  bool broadcast_flood = false;
  bool isolated = false;  // from other isolated ones
  bool operator==(const BridgePortInfo&) const = default;
};

// What the kernel says about an interface.
struct LinkInfo {
  IfIndex index;
  std::string name;
  std::vector<std::string> altnames;
  std::string kind;  // "veth", "netkit", "vxlan", …; empty for a NIC
  std::optional<MacAddress> mac;
  std::uint32_t mtu = 0;
  std::optional<std::uint32_t> tcp_frame;  // gso_ipv4_max_size, bytes; none before Linux 6.3
  std::uint32_t flags = 0;                 // IFF_*
  bool oper_up = false;  // operstate UP; a device without carrier detection never gets there
  IfIndex peer;          // other end of a pair, an index of the namespace below
  std::optional<std::uint32_t> peer_netns;  // its id as seen from here; none: the same namespace
  std::optional<VxlanInfo> vxlan;
  IfIndex master;  // the bridge that it is a port of
  std::optional<BridgePortInfo> bridge_port;
  bool segments_tunnels = false;  // offloads.h; for whoever read that besides

  [[nodiscard]] bool is_up() const;           // administratively
  [[nodiscard]] bool is_operational() const;  // up, and with carrier where that is detected
  // The host end of a port, ours or another instance's: a pair's end without ARP.
  [[nodiscard]] bool is_host_end() const;
  // The other end is up too and the kernel has started the queues. A veth is "running" for a moment
  // before that, because its operstate begins as unknown.
  [[nodiscard]] bool is_connected() const;
};

// Why an interface cannot have this name; Invalid if it cannot.
Result<void> check_ifname(const std::string& name);

// Parses RTM_NEWLINK and RTM_DELLINK; nothing for those of another family (a bridge reports its
// ports by the same messages).
std::optional<LinkInfo> parse_link(const Reply& reply);

// By name, alternative names included.
Result<std::optional<LinkInfo>> find_link(Socket& socket, const std::string& name);
Result<std::optional<LinkInfo>> find_link(Socket& socket, IfIndex index);
Result<std::vector<LinkInfo>> list_links(Socket& socket, IfIndex master = {});
// No error if it is gone already.
Result<void> delete_link(Socket& socket, IfIndex index, const std::string& name);
// Also of an interface that is up, from Linux 6.2 on.
Result<void> rename_link(Socket& socket, IfIndex index, const std::string& name);
Result<void> set_link_up(Socket& socket, IfIndex index, const std::string& name);
// Sets gso_ipv4_max_size; a kernel that does not know it does nothing.
Result<void> set_tcp_frame(Socket& socket, IfIndex index, const std::string& name,
                           std::uint32_t bytes);

// Frames that an interface did not send.
struct LinkStatistics {
  std::uint64_t tx_dropped = 0;
  std::uint64_t tx_carrier_errors = 0;
};

Result<LinkStatistics> read_statistics(Socket& socket, IfIndex index);
// Set down, out of its bridge and into another namespace, where its index may be another one.
Result<void> move_link(Socket& socket, IfIndex index, const std::string& name, int netns);
// No IPv6 address of its own when it comes up. No error where there is no IPv6.
Result<void> set_addrgen_none(Socket& socket, IfIndex index, const std::string& name);

}  // namespace vtepd::netlink
