// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace vtepd::netlink {

// Files below /proc/sys/net, in the network namespace of the calling thread. `name` is the path
// below that folder, "ipv4/conf/eth0/rp_filter", so that dots in interface names mean nothing.

// Without the newline; nothing if there is no such file.
Result<std::optional<std::string>> read_sysctl(const std::string& name);
// No error if there is no such file (IPv6 compiled out or ipv6.disable=1) or if the value is right
// already, as with a read-only /proc/sys that somebody else prepared.
Result<void> set_sysctl(const std::string& name, const std::string& value);
// "ipv6/conf/<ifname>/<key>"
std::string interface_sysctl(const std::string& family, const std::string& ifname,
                             const std::string& key);
// net.ipv4.ip_local_port_range
Result<std::pair<std::uint16_t, std::uint16_t>> local_port_range();

}  // namespace vtepd::netlink
