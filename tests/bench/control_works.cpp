// SPDX-License-Identifier: GPL-2.0-only
#include "bench/control_works.h"

#include "bench/agent_run.h"
#include "bench/core_time.h"
#include "bench/kernel_tables.h"
#include "support/netns.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>
#include <map>

namespace vtepd::bench {

namespace {

constexpr const char* kTables = "kernel_table_load";

// One column of all runs.
Summary summary_of(const std::vector<AgentRun>& runs, const std::function<double(AgentRun)>& get) {
  std::vector<double> values;
  std::transform(runs.begin(), runs.end(), std::back_inserter(values), get);
  return summarize(std::move(values));
}

std::vector<Row> rows_of(std::uint32_t endpoints, const std::vector<AgentRun>& runs) {
  const std::string subject = "vtepd-tc";
  const auto seconds =
      summary_of(runs, [](const AgentRun& run) { return run.snapshot_seconds; }).median;
  const auto p99 = summary_of(runs, [](const AgentRun& run) { return run.event_p99_us; }).median;
  std::map<std::string, double> beside{{"seconds", seconds}};
  if (runs.front().file_seconds > 0) {
    beside["file_read_seconds"] =
        summary_of(runs, [](const AgentRun& run) { return run.file_seconds; }).median;
  }
  if (runs.front().consul_seconds > 0) {
    beside["consul_read_seconds"] =
        summary_of(runs, [](const AgentRun& run) { return run.consul_seconds; }).median;
  }
  return {{.work = "snapshot_to_maps",
           .subject = subject,
           .entries = endpoints,
           .unit = "endpoints/s",
           .summary = summary_of(
               runs, [=](const AgentRun& run) { return endpoints / run.snapshot_seconds; }),
           .extra = beside},
          {.work = "event_to_map",
           .subject = subject,
           .entries = endpoints,
           .unit = "us",
           .summary = summary_of(runs, [](const AgentRun& run) { return run.event_p50_us; }),
           .extra = {{"p99", p99}}},
          {.work = "agent_memory",
           .subject = subject,
           .entries = endpoints,
           .unit = "bytes/endpoint",
           .summary = summary_of(runs, [](const AgentRun& run) { return run.bytes_per_endpoint; })},
          {.work = kTables,
           .subject = subject,
           .entries = endpoints,
           .unit = "us/endpoint",
           .summary = summary_of(runs, [](const AgentRun& run) { return run.table_us; })}};
}

double load_kernel_tables(std::uint32_t endpoints) {
  const test::NetNamespace netns;
  netns.ip("link add vx0 type vxlan id 256 dstport 4789 nolearning proxy\nlink set vx0 up");
  const OwnTime time;
  fill_kernel_tables(netns.path(), "vx0", endpoints);
  return time.elapsed_ns() / 1e3 / endpoints;
}

void fail(Report& report, const std::string& what, const std::exception& problem) {
  report.failures.push_back(what + ": " + problem.what());
  std::cerr << "error: " << report.failures.back() << std::endl;
}

void measure_agent(const ControlPlan& plan, std::uint32_t endpoints,
                   const std::set<std::string>& wanted, Report& report) {
  std::vector<AgentRun> runs;
  for (std::size_t round = 1; round <= plan.rounds; ++round) {
    std::cerr << "    control plane with " << endpoints << " endpoints, round " << round << " of "
              << plan.rounds << std::endl;
    runs.push_back(run_agent(
        {.endpoints = endpoints, .events = plan.events, .event_pause_ms = plan.event_pause_ms}));
  }
  for (Row& row : rows_of(endpoints, runs)) {
    if (wanted.contains(row.work)) {
      report.rows.push_back(std::move(row));
    }
  }
}

void measure_kernel_tables(const ControlPlan& plan, Report& report) {
  std::vector<double> times;
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    times.push_back(load_kernel_tables(plan.kernel_endpoints));
  }
  report.rows.push_back({.work = kTables,
                         .subject = "docker-layout",
                         .entries = plan.kernel_endpoints,
                         .unit = "us/endpoint",
                         .summary = summarize(std::move(times))});
}

}  // namespace

void measure_control_plane(const ControlPlan& plan, const std::set<std::string>& wanted,
                           Report& report) {
  for (const std::uint32_t endpoints : plan.endpoints) {
    try {
      measure_agent(plan, endpoints, wanted, report);
    } catch (const std::exception& problem) {
      fail(report, "control plane with " + std::to_string(endpoints) + " endpoints", problem);
    }
  }
  if (!wanted.contains(kTables)) {
    return;
  }
  try {
    measure_kernel_tables(plan, report);
  } catch (const std::exception& problem) {
    fail(report, std::string(kTables) + ", docker-layout", problem);
  }
}

}  // namespace vtepd::bench
