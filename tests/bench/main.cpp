// SPDX-License-Identifier: GPL-2.0-only
// The side-by-side benchmark. scripts/bench builds and runs it.
#include "bench/agent_run.h"
#include "bench/merge.h"
#include "bench/page.h"
#include "bench/plan.h"
#include "bench/report.h"
#include "bench/subject.h"
#include "support/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

namespace vtepd::bench {
namespace {

struct Options {
  Plan plan;
  std::string json = "build/bench.json";
  std::string docs;                    // folder; empty: no documents
  std::vector<std::string> from;       // figures of earlier runs; empty: measure
  AgentRunPlan agent{.endpoints = 0};  // 0: not that run
};

void add_options(CLI::App& app, Options& options) {
  app.add_flag("--quick", options.plan.quick, "Fewer and shorter rounds: under three minutes");
  app.add_option("--json", options.json, "Where the figures go")->capture_default_str();
  app.add_option("--docs", options.docs, "A folder to write performance.md and its plots to");
  app.add_option("--from", options.from, "Figures of earlier runs, by commas, instead of measuring")
      ->delimiter(',');
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

Report read_report(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) {
    throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
  }
  try {
    return from_json(Json::parse(test::read_file(path)));
  } catch (const Json::exception& problem) {
    throw std::runtime_error(path + " does not have figures of a run: " + problem.what());
  }
}

Report read_reports(const std::vector<std::string>& paths) {
  std::vector<Report> runs;
  std::transform(paths.begin(), paths.end(), std::back_inserter(runs), read_report);
  return merge(runs);
}

void write_documents(const Report& report, const std::string& folder) {
  if (!report.failures.empty()) {
    throw std::runtime_error("no documents are made of a run in which something failed");
  }
  for (const auto& [name, text] : make_documents(report)) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    std::filesystem::create_directories(path.parent_path());
    test::write_file(path.string(), text);
  }
}

// Before twenty minutes of measuring, not after.
void check_writable(const std::string& path) {
  const auto folder = std::filesystem::absolute(path).parent_path();
  const std::string tried = std::filesystem::exists(path) ? path : folder.string();
  if (access(tried.c_str(), W_OK) != 0) {
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno) +
                             "; name another file with --json");
  }
}

int run(const Options& options) {
  if (options.agent.endpoints > 0) {
    serve_agent_run(options.agent);
    return 0;
  }
  check_writable(options.json);
  const Report report = options.from.empty() ? run_plan(options.plan) : read_reports(options.from);
  std::cout << to_table(report.rows) << std::endl;
  test::write_file(options.json, to_json(report).dump(2) + "\n");
  if (!options.docs.empty()) {
    write_documents(report, options.docs);
  }
  for (const std::string& failure : report.failures) {
    std::cerr << "error: " << failure << std::endl;
  }
  return exit_code(report);
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
