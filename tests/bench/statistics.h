// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <vector>

namespace vtepd::bench {

// What some measurements of one thing come to.
struct Summary {
  double median = 0;  // the mean of the two in the middle if their number is even
  double min = 0;
  double max = 0;
  std::size_t runs = 0;
};

// Zeros if there is none.
[[nodiscard]] Summary summarize(std::vector<double> values);

// The smallest value that at least `share` (0...1) of them do not exceed; 0 if there is none.
[[nodiscard]] double percentile(std::vector<double> values, double share);

}  // namespace vtepd::bench
