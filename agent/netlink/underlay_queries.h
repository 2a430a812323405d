// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/rtnl_socket.h"
#include "ports/underlay.h"

#include <optional>
#include <vector>

namespace vtepd::netlink {

// One address of one interface.
struct InterfaceAddress {
  IfIndex ifindex;
  IpAddress address;
  bool global = false;  // scope
};

// Of one family, sorted by interface; those that failed duplicate address detection are left out.
Result<std::vector<InterfaceAddress>> list_addresses(Socket& socket, bool v4);

// What the kernel would do with a packet from `source` to `vtep`. NotFound: it would not send it.
Result<UnderlayRoute> look_up_route(Socket& socket, const IpAddress& vtep, const IpAddress& source);

}  // namespace vtepd::netlink
