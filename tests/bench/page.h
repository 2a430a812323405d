// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"

#include <map>
#include <string>

namespace vtepd::bench {

// The documents made of a report, by their paths below docs/: performance.md, a plot for each work
// that has several subjects, and the figures themselves.
[[nodiscard]] std::map<std::string, std::string> make_documents(const Report& report);

}  // namespace vtepd::bench
