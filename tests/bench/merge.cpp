// SPDX-License-Identifier: GPL-2.0-only
#include "bench/merge.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace vtepd::bench {

namespace {

bool is_same(const Row& a, const Row& b) {
  return a.work == b.work && a.subject == b.subject && a.entries == b.entries;
}

const Row& counterpart(const Report& run, const Row& row) {
  const auto found = std::find_if(run.rows.begin(), run.rows.end(),
                                  [&](const Row& other) { return is_same(other, row); });
  if (found == run.rows.end()) {
    throw std::runtime_error("one of the runs lacks " + row.work + " of " + row.subject + " with " +
                             std::to_string(row.entries) + " entries");
  }
  return *found;
}

constexpr const char* kRuns = "full runs";

// What has to be the same.
Json conditions(Json bed) {
  bed.erase("date");
  bed.erase(kRuns);
  return bed;
}

void expect_same_plan(const Report& first, const Report& other) {
  if (conditions(other.bed) != conditions(first.bed)) {
    throw std::runtime_error("the runs are of different beds: " + first.bed.dump() + " and " +
                             other.bed.dump());
  }
  for (const Row& row : other.rows) {
    (void)counterpart(first, row);
  }
}

Row merge_rows(const std::vector<Report>& runs, const Row& first) {
  Row out = first;
  out.summary.runs = 0;
  std::vector<double> medians;
  std::map<std::string, std::vector<double>> extra;
  for (const Report& run : runs) {
    const Row& row = counterpart(run, first);
    medians.push_back(row.summary.median);
    out.summary.min = std::min(out.summary.min, row.summary.min);
    out.summary.max = std::max(out.summary.max, row.summary.max);
    out.summary.runs += row.summary.runs;
    for (const auto& [name, value] : row.extra) {
      extra[name].push_back(value);
    }
  }
  out.summary.median = summarize(medians).median;
  for (const auto& [name, values] : extra) {
    out.extra[name] = summarize(values).median;
  }
  return out;
}

}  // namespace

Report merge(const std::vector<Report>& runs) {
  const Report& first = runs.at(0);
  Report out{.bed = first.bed, .rows = {}, .failures = {}};
  std::size_t count = 0;
  for (const Report& run : runs) {
    expect_same_plan(first, run);
    count += run.bed.value(kRuns, std::size_t{1});
    out.failures.insert(out.failures.end(), run.failures.begin(), run.failures.end());
  }
  for (const Row& row : first.rows) {
    out.rows.push_back(merge_rows(runs, row));
  }
  out.bed[kRuns] = count;
  return out;
}

}  // namespace vtepd::bench
