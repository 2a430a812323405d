// SPDX-License-Identifier: GPL-2.0-only
// The side-by-side benchmark. scripts/bench builds and runs it.
#include "bench/agent_run.h"
#include "bench/plan.h"
#include "bench/report.h"
#include "bench/subject.h"
#include "support/process.h"

#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace vtepd::bench {
namespace {

struct Options {
  Plan plan;
  std::string json = "build/bench.json";
  AgentRunPlan agent{.endpoints = 0};  // 0: not that run
};

void add_options(CLI::App& app, Options& options) {
  app.add_flag("--quick", options.plan.quick, "Fewer and shorter rounds: under three minutes");
  app.add_option("--json", options.json, "Where the figures go")->capture_default_str();
  app.add_option("--work", options.plan.works, "Only these works, by commas")
      ->delimiter(',')
      ->check(CLI::IsMember(work_names()));
  app.add_option("--subject", options.plan.subjects, "Only these subjects, by commas")
      ->delimiter(',')
      ->check(CLI::IsMember(subject_names()));
  // For the program's own use; an empty group is not listed.
  app.add_option("--agent-run", options.agent.endpoints)->group("");
  app.add_option("--agent-events", options.agent.events)->group("");
  app.add_option("--agent-pause", options.agent.event_pause_ms)->group("");
}

int run(const Options& options) {
  if (options.agent.endpoints > 0) {
    serve_agent_run(options.agent);
    return 0;
  }
  const Report report = run_plan(options.plan);
  test::write_file(options.json, to_json(report).dump(2) + "\n");
  std::cout << to_table(report.rows) << "\nwritten to " << options.json << std::endl;
  for (const std::string& failure : report.failures) {
    std::cerr << "error: " << failure << std::endl;
  }
  return report.failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace vtepd::bench

int main(int argc, char** argv) {
  using namespace vtepd::bench;
  std::signal(SIGPIPE, SIG_IGN);
  Options options;
  CLI::App app{"Measures vtepd and others side by side, on hosts in network namespaces"};
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& problem) {
    std::cerr << "error: " << problem.what() << std::endl;
    return 1;
  }
}
