// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/in_netns.h"
#include "base/result.h"
#include "netlink/rtnl_socket.h"
#include "ports/links.h"

#include <string>
#include <vector>

namespace vtepd::netlink {

// NotFound: there is no such file. Invalid: it is no network namespace.
Result<Netns> open_netns(const std::string& path);

// "namespace /run/netns/c1", or its inode where it is not mounted anywhere.
std::string describe(const Netns& netns);

// A socket for requests that works in that namespace, from any thread.
Result<Socket> open_socket(const Netns& netns);
// The same for notifications.
Result<Socket> subscribe(const Netns& netns, const std::vector<int>& groups);

}  // namespace vtepd::netlink
