// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "netlink/rtnl_socket.h"
#include "ports/links.h"

#include <string>

namespace vtepd::netlink {

// What the two ends of a port are.
enum class PairKind { Veth, Netkit };

// The device is an end of a port, of either kind.
[[nodiscard]] bool is_pair_kind(const std::string& kind);

// Invalid: names, MTU or addresses that no interface can have.
Result<void> check_port(const PortSpec& spec);

// One request makes both ends, the endpoint's in its namespace and with its final name, so that no
// half-named interface is ever seen there. A netkit device is made to let nothing out of the
// endpoint until a program on it says otherwise.
Answer request_pair(Socket& socket, int endpoint_netns, const PortSpec& spec, PairKind kind);

// Nothing of the host's own may use that end: no IPv6, no ARP (set on creation), strict rp_filter.
Result<void> close_host_end(Socket& socket, IfIndex host, const std::string& name);

// Runs in the endpoint's namespace.
Result<void> set_endpoint_sysctls(const std::string& ifname, bool ipv6);

// IPv6 addresses skip duplicate address detection: they are usable at once, and the store already
// makes sure that there is no second one.
Result<void> add_address(Socket& socket, IfIndex index, const std::string& ifname,
                         const IpPrefix& address);

}  // namespace vtepd::netlink
