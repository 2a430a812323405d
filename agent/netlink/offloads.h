// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <string>

namespace vtepd::netlink {

// Whether an interface has none of the features that can be turned off: segmentation, checksums,
// receive merging, scatter-gather.
Result<bool> offloads_are_off(const std::string& ifname);
Result<void> turn_offloads_off(const std::string& ifname);

}  // namespace vtepd::netlink
