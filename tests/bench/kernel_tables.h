// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

namespace vtepd::bench {

// Adds the remote endpoints of frame.h to a vxlan device's FDB and to its neighbour table, as
// permanent entries. `netns` is the path of the namespace that the device is in.
void fill_kernel_tables(const std::string& netns, const std::string& vxlan,
                        std::uint32_t endpoints);

}  // namespace vtepd::bench
