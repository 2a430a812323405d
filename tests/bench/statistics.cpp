// SPDX-License-Identifier: GPL-2.0-only
#include "bench/statistics.h"

#include <algorithm>
#include <cmath>

namespace vtepd::bench {

Summary summarize(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values.at(middle) : (values.at(middle - 1) + values.at(middle)) / 2;
  return {.median = median, .min = values.front(), .max = values.back(), .runs = values.size()};
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  const auto index = std::min(values.size(), static_cast<std::size_t>(std::max(rank, 1.0))) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values.at(index);
}

}  // namespace vtepd::bench
