// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

namespace vtepd::bench {

// What the agent makes of a store with so many endpoints, in a process of its own.
struct AgentRun {
  double snapshot_seconds = 0;  // from the store's values in memory to the last map update
  double bytes_per_endpoint = 0;
  double event_p50_us = 0;  // from one key's change, as a watch reports it, to the map
  double event_p99_us = 0;
  double table_us = 0;      // per endpoint: its entries in the BPF maps alone
  double file_seconds = 0;  // to read the same values from a file store; 0: not measured
  double consul_seconds = 0;
};

struct AgentRunPlan {
  std::uint32_t endpoints = 1000;
  std::uint32_t events = 1000;
  std::uint32_t event_pause_ms = 4;
};

// Runs this program anew with --agent-run and reads what it says. Throws with its message.
[[nodiscard]] AgentRun run_agent(const AgentRunPlan& plan);

// That other run: prints its result as JSON. Throws if an endpoint does not get to the maps.
void serve_agent_run(const AgentRunPlan& plan);

}  // namespace vtepd::bench
