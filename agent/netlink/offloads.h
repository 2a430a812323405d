// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <string>

namespace vtepd::netlink {

// Whether an interface has none of the features that can be turned off: segmentation, checksums,
// receive merging, scatter-gather.
Result<bool> offloads_are_off(const std::string& ifname);
Result<void> turn_offloads_off(const std::string& ifname);
// Whether an interface cuts TCP frames in a UDP tunnel into segments itself. If not, the kernel
// does before it hands them over (netif_skb_features: all of a frame's kinds have to be on).
Result<bool> segments_tunnels(const std::string& ifname);

}  // namespace vtepd::netlink
