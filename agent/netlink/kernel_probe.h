// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <string>

namespace vtepd::netlink {

// Makes one device of this kind in a namespace that goes again: "vxlan", "bridge", "veth" or
// "netkit". The error says why the kernel has none.
Result<void> try_device(const std::string& kind);

// Interfaces have a length of TCP frames that can be set (core/tcp_frame.h).
[[nodiscard]] bool knows_tcp_frame();

}  // namespace vtepd::netlink
