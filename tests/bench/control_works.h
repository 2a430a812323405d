// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace vtepd::bench {

struct ControlPlan {
  std::vector<std::uint32_t> endpoints;  // one run of the agent for each
  std::size_t rounds = 1;
  std::uint32_t events = 1000;
  std::uint32_t event_pause_ms = 4;
  std::uint32_t kernel_endpoints = 100000;  // for the kernel's own tables
};

// snapshot_to_maps, event_to_map, agent_memory and kernel_table_load, those of them that are
// wanted; failures go into the report.
void measure_control_plane(const ControlPlan& plan, const std::set<std::string>& wanted,
                           Report& report);

}  // namespace vtepd::bench
