// SPDX-License-Identifier: GPL-2.0-only
#include "bench/runner.h"

#include <exception>
#include <iostream>
#include <optional>

namespace vtepd::bench {

namespace {

struct Runs {
  const Contestant* contestant = nullptr;
  std::vector<double> values{};
  std::map<std::string, std::vector<double>> extra{};
  bool failed = false;
};

void measure_once(const Work& work, Runs& runs, Report& report) {
  const Contestant& who = *runs.contestant;
  try {
    const Sample sample = work.measure(*who.subject, who.entries);
    runs.values.push_back(sample.value);
    for (const auto& [name, value] : sample.extra) {
      runs.extra[name].push_back(value);
    }
  } catch (const std::exception& problem) {
    runs.failed = true;
    report.failures.push_back(work.name + who.suffix + ", " + who.subject->name() + " with " +
                              std::to_string(who.entries) + " entries: " + problem.what());
    std::cerr << "error: " << report.failures.back() << std::endl;
  }
}

Row row_of(const Work& work, const Runs& runs) {
  Row row{.work = work.name + runs.contestant->suffix,
          .subject = runs.contestant->subject->name(),
          .entries = runs.contestant->entries,
          .unit = work.unit,
          .summary = summarize(runs.values)};
  for (const auto& [name, values] : runs.extra) {
    row.extra[name] = summarize(values).median;
  }
  return row;
}

}  // namespace

void Runner::measure(const Work& work, const std::vector<Contestant>& contestants) {
  std::vector<Runs> all;
  for (const Contestant& contestant : contestants) {
    if (work.subjects.contains(contestant.subject->name())) {
      all.push_back({.contestant = &contestant});
    }
  }
  for (std::size_t round = 1; round <= rounds_ && !all.empty(); ++round) {
    std::cerr << "    " << work.name << ", round " << round << " of " << rounds_ << std::endl;
    for (Runs& runs : all) {
      if (!runs.failed) {
        measure_once(work, runs, report_);
      }
    }
  }
  for (const Runs& runs : all) {
    if (!runs.failed) {
      report_.rows.push_back(row_of(work, runs));
    }
  }
}

}  // namespace vtepd::bench
