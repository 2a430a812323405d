// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/rtnl_socket.h"

#include <functional>
#include <optional>

namespace vtepd::netlink {

// Entries of the kernel's forwarding database and neighbour tables, as requests and as answers.
// Entries are permanent and go one by one: the kernel's bulk flush of vxlan entries has had
// exploitable bugs.

// A MAC behind a remote VTEP; replaces where it was.
[[nodiscard]] Message put_remote_mac(IfIndex vxlan, const MacAddress& mac, const IpAddress& vtep);
[[nodiscard]] Message remove_remote_mac(IfIndex vxlan, const MacAddress& mac);
[[nodiscard]] Message get_remote_mac(IfIndex vxlan, const MacAddress& mac);
// A MAC behind a port of a bridge.
[[nodiscard]] Message put_port_mac(IfIndex port, const MacAddress& mac);
[[nodiscard]] Message remove_port_mac(IfIndex port, const MacAddress& mac);
[[nodiscard]] Message get_port_mac(IfIndex port, const MacAddress& mac);
// What a vxlan device with `proxy` answers with.
[[nodiscard]] Message put_neighbour(IfIndex vxlan, const IpAddress& address, const MacAddress& mac);
[[nodiscard]] Message remove_neighbour(IfIndex vxlan, const IpAddress& address);
[[nodiscard]] Message get_neighbour(IfIndex vxlan, const IpAddress& address);

// One of either table; ours are permanent or static.
struct KernelEntry {
  IfIndex device;
  bool bridge_family = false;  // an FDB entry, else a neighbour
  bool of_bridge = false;      // FDB: the bridge's entry for its port, else the device's own
  bool lasting = false;        // nobody learned it and nothing makes it expire
  std::optional<MacAddress> mac;
  std::optional<IpAddress> address;  // the VTEP, or the neighbour's
};

// Nothing for other messages.
[[nodiscard]] std::optional<KernelEntry> parse_entry(const Reply& reply);
// All FDB entries and neighbours of both families in the socket's namespace.
Result<void> dump_entries(Socket& socket, const std::function<void(const KernelEntry&)>& take);

}  // namespace vtepd::netlink
