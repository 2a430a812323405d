// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>
#include <vector>

namespace vtepd {

// What a data path leaves on the host besides host ends and programs. Each takes its part off and
// says what that was; nothing, if it was not there.
using Removed = std::vector<std::string>;

// Path of the mounted namespace of an instance's kernel data path.
std::string overlay_netns_path(const Config& config);

// The kernel data path: rules, devices and their namespace, whatever is still in that.
Result<Removed> remove_kernel_path(const Config& config);
// The BPF data path: what gives endpoints headroom, what keeps the UDP port open, and what cuts
// frames up. They belong to the port, so to the one instance that has it.
Result<Removed> remove_headroom_bridge(const Config& config);
Result<Removed> remove_idle_device(const Config& config);
Result<Removed> remove_segment_pair(const Config& config);

}  // namespace vtepd
