// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/rtnl_socket.h"

#include <array>
#include <string>
#include <vector>

namespace vtepd::netlink {

// One end of a port and the sockets of its namespace. `notifications` listens to readiness_groups()
// since before the end was set up.
struct PortEnd {
  Socket& requests;
  Socket& notifications;
  IfIndex index;
  const std::string& name;
  std::vector<IpPrefix> addresses;  // those that it must answer for
};

// The RTNLGRP_* that tell of progress.
std::vector<int> readiness_groups();

// Waits until frames flow and IPv6 neighbours get answers; 2 s at most. The kernel starts the
// queues of an end in a work item after its peer came up and drops frames until then. It joins the
// solicited-node group of an address in another one, even where the address skips duplicate address
// detection, and until then nobody finds that address.
Result<void> wait_ready(const std::array<PortEnd, 2>& ends);

}  // namespace vtepd::netlink
