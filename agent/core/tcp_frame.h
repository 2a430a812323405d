// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

namespace vtepd {

// The longest TCP frame over IPv4 that an endpoint's kernel hands over as one, in bytes, to be cut
// into segments on the way (the interface's `gso_ipv4_max_size`, Linux 6.3). The fewer frames, the
// fewer times everything but the cutting is done.

// What an interface has unless it is told otherwise, and the most of which devices cut tunnels.
inline constexpr std::uint32_t kUsualTcpFrame = 65536;
// Longer ones ("BIG TCP") are for where the kernel does the cutting anyway.
inline constexpr std::uint32_t kBigTcpFrame = 3 * kUsualTcpFrame;

}  // namespace vtepd
