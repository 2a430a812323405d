// SPDX-License-Identifier: GPL-2.0-only
#include "bench/runner.h"

#include <exception>
#include <iostream>

namespace vtepd::bench {

void Runner::add(const Work& work, const std::vector<Contestant>& contestants) {
  for (const Contestant& contestant : contestants) {
    if (work.subjects.contains(contestant.subject->name())) {
      all_.push_back({.work = work, .contestant = contestant});
    }
  }
}

void Runner::run() {
  for (std::size_t round = 1; round <= rounds_ && !all_.empty(); ++round) {
    std::string now;
    for (Runs& runs : all_) {
      if (runs.work.name != now) {
        now = runs.work.name;
        std::cerr << "    round " << round << " of " << rounds_ << ", " << now << std::endl;
      }
      if (!runs.failed) {
        measure_once(runs);
      }
    }
  }
  for (const Runs& runs : all_) {
    if (!runs.failed) {
      report_.rows.push_back(row_of(runs));
    }
  }
  all_.clear();
}

void Runner::measure_once(Runs& runs) {
  const Contestant& who = runs.contestant;
  try {
    const Sample sample = runs.work.measure(*who.subject, who.entries);
    runs.values.push_back(sample.value);
    for (const auto& [name, value] : sample.extra) {
      runs.extra[name].push_back(value);
    }
  } catch (const std::exception& problem) {
    runs.failed = true;
    report_.failures.push_back(runs.work.name + who.suffix + ", " + who.subject->name() + " with " +
                               std::to_string(who.entries) + " entries: " + problem.what());
    std::cerr << "error: " << report_.failures.back() << std::endl;
  }
}

Row Runner::row_of(const Runs& runs) {
  Row row{.work = runs.work.name + runs.contestant.suffix,
          .subject = runs.contestant.subject->name(),
          .entries = runs.contestant.entries,
          .unit = runs.work.unit,
          .summary = summarize(runs.values)};
  for (const auto& [name, values] : runs.extra) {
    row.extra[name] = summarize(values).median;
  }
  return row;
}

}  // namespace vtepd::bench
