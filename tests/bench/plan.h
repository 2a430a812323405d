// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"

#include <set>
#include <string>

namespace vtepd::bench {

// What to measure; empty sets mean everything.
struct Plan {
  bool quick = false;  // fewer and shorter rounds, fewer large tables: under three minutes
  std::set<std::string> works{};
  std::set<std::string> subjects{};
};

// Names that a plan may have, without suffixes.
[[nodiscard]] const std::set<std::string>& work_names();

// Lays out every subject, measures, and takes all of it off the machine again. What fails is in the
// report's failures; throws where nothing can be measured at all.
[[nodiscard]] Report run_plan(const Plan& plan);

}  // namespace vtepd::bench
