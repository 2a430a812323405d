// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/link.h"
#include "netlink/rtnl_socket.h"

#include <string>

namespace vtepd::netlink {

// Whatever bridge the interface was a port of before, it is one of this from now on.
Answer join_bridge(Socket& socket, IfIndex port, IfIndex bridge);
// How the bridge treats a port that has joined it.
Result<void> set_bridge_port(Socket& socket, IfIndex port, const std::string& name,
                             const BridgePortInfo& flags);

}  // namespace vtepd::netlink
