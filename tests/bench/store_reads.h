// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/agent_bed.h"

#include <cstdint>

namespace vtepd::bench {

// Seconds from opening a store that holds so many endpoints of the bed to its first complete
// answer. Throws if that lacks any.
[[nodiscard]] double read_files(const AgentBed& bed, std::uint32_t endpoints);
// From a Consul of its own; 0 if scripts/peers did not fetch one.
[[nodiscard]] double read_consul(const AgentBed& bed, std::uint32_t endpoints);

}  // namespace vtepd::bench
