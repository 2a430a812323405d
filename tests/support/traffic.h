// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <cstddef>
#include <string>

namespace vtepd::test {

// Sends that many bytes by TCP to a listener in `to`, at `address`. Returns how many arrived as
// they were sent; fewer if the connection failed, broke or took over 30 s.
std::size_t tcp_transfer(const NetNamespace& from, const NetNamespace& to,
                         const std::string& address, std::size_t bytes);

// Whether a datagram of that size came back unchanged from an echo server in `to`, at `address`.
bool udp_echo(const NetNamespace& from, const NetNamespace& to, const std::string& address,
              std::size_t bytes);

}  // namespace vtepd::test
