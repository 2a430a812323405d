// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"

#include <string>
#include <vector>

namespace vtepd::bench {

struct Bar {
  std::string label;
  Summary summary;
  bool ours = false;  // drawn in another colour
};

// A bar chart as an SVG document: medians as bars from 0, minimum and maximum as whiskers.
[[nodiscard]] std::string plot(const std::string& title, const std::string& unit,
                               const std::vector<Bar>& bars);

}  // namespace vtepd::bench
