// SPDX-License-Identifier: GPL-2.0-only
#include "bench/agent_run.h"

#include "bench/agent_bed.h"
#include "bench/core_time.h"
#include "bench/need.h"
#include "bench/numbering.h"
#include "bench/statistics.h"
#include "bench/store_reads.h"
#include "registry/decoder.h"
#include "support/netns.h"
#include "support/process.h"

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <malloc.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace vtepd::bench {

namespace {

using test::Clock;

constexpr std::uint32_t kMostRead = 100000;  // to write more into a store takes minutes

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Resident memory of this process without what its allocator keeps in reserve.
double resident_bytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  if (!(file >> size >> resident)) {
    throw std::runtime_error("cannot read /proc/self/statm");
  }
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void take_snapshot(AgentBed& bed, RegistryDecoder& decoder, std::uint32_t endpoints,
                   AgentRun& run) {
  const double before = resident_bytes();
  {
    KvEvent snapshot{KvEvent::Kind::Snapshot, bed.stored(), {}};
    for (std::uint32_t i = 0; i < endpoints; ++i) {
      snapshot.pairs.push_back(bed.endpoint(i));
    }
    const OwnTime time;
    bed.agent().on_store_events(decoder.decode(snapshot));
    run.snapshot_seconds = time.elapsed_ns() / 1e9;
  }
  run.bytes_per_endpoint = (resident_bytes() - before) / endpoints;
  if (bed.forwarded() < endpoints) {
    throw std::runtime_error("of " + std::to_string(endpoints) + " endpoints " +
                             std::to_string(bed.forwarded()) + " are in the maps");
  }
}

// Endpoints come one at a time, while the loop does what else it does.
void take_events(AgentBed& bed, RegistryDecoder& decoder, const AgentRunPlan& plan, AgentRun& run) {
  std::vector<double> times;
  const std::uint64_t before = bed.forwarded();
  std::thread watch([&] {
    for (std::uint32_t i = 0; i < plan.events; ++i) {
      const KvEvent event{KvEvent::Kind::Put, {bed.endpoint(plan.endpoints + i)}, {}};
      const auto begin = Clock::now();
      bed.loop().post([&bed, &times, begin, events = decoder.decode(event)] {
        bed.agent().on_store_events(events);
        times.push_back(seconds_since(begin) * 1e6);
      });
      test::sleep_for(test::Milliseconds(plan.event_pause_ms));
    }
    bed.loop().post([&] { bed.loop().stop(); });
  });
  bed.loop().run();
  watch.join();
  if (bed.forwarded() < before + plan.events) {
    throw std::runtime_error("endpoints that came are not in the maps");
  }
  run.event_p50_us = percentile(times, 0.5);
  run.event_p99_us = percentile(times, 0.99);
}

double load_tables(std::uint32_t endpoints) {
  const auto tables = open_tables(endpoints);
  ForwardingDelta delta;
  const Vni vni{256};
  for (std::uint32_t i = 0; i < endpoints; ++i) {
    const Numbered remote = numbered(i);
    delta.fdb_put.push_back({{vni, remote.mac}, {.vtep_id = remote.vtep_number + 1}});
    delta.neighbours_put.push_back({{vni, remote.address}, remote.mac});
  }
  const OwnTime time;
  const ApplyReport report = tables->apply(delta);
  const double took = time.elapsed_ns() / 1e9;
  if (!report.errors.empty()) {
    throw std::runtime_error(report.errors.front().what);
  }
  return took * 1e6 / endpoints;
}

}  // namespace

AgentRun run_agent(const AgentRunPlan& plan) {
  const test::Outcome outcome = test::run(
      {.argv = {"/proc/self/exe", "--agent-run", std::to_string(plan.endpoints), "--agent-events",
                std::to_string(plan.events), "--agent-pause", std::to_string(plan.event_pause_ms)},
       .deadline = test::Seconds(900)});
  if (!outcome.ok()) {
    throw std::runtime_error("the agent: " + outcome.text());
  }
  const auto said = nlohmann::json::parse(outcome.out);
  return {.snapshot_seconds = said.at("snapshot_seconds"),
          .bytes_per_endpoint = said.at("bytes_per_endpoint"),
          .event_p50_us = said.at("event_p50_us"),
          .event_p99_us = said.at("event_p99_us"),
          .table_us = said.at("table_us"),
          .file_seconds = said.at("file_seconds"),
          .consul_seconds = said.at("consul_seconds")};
}

void serve_agent_run(const AgentRunPlan& plan) {
  spdlog::set_level(spdlog::level::warn);
  AgentRun run;
  {
    AgentBed bed(plan.endpoints + plan.events);
    RegistryDecoder decoder("");
    take_snapshot(bed, decoder, plan.endpoints, run);
    take_events(bed, decoder, plan, run);
    if (plan.endpoints <= kMostRead) {
      run.file_seconds = read_files(bed, plan.endpoints);
      run.consul_seconds = read_consul(bed, plan.endpoints);
    }
  }
  run.table_us = load_tables(plan.endpoints);
  std::cout << nlohmann::json{{"snapshot_seconds", run.snapshot_seconds},
                              {"bytes_per_endpoint", run.bytes_per_endpoint},
                              {"event_p50_us", run.event_p50_us},
                              {"event_p99_us", run.event_p99_us},
                              {"table_us", run.table_us},
                              {"file_seconds", run.file_seconds},
                              {"consul_seconds", run.consul_seconds}}
            << std::endl;
}

}  // namespace vtepd::bench
