// SPDX-License-Identifier: GPL-2.0-only
#include "bench/merge.h"

#include <stdexcept>

#include <gmock/gmock.h>

namespace vtepd::bench {
namespace {

Report run_of(double median, double p99) {
  return {.bed = {{"kernel", "6.18"}},
          .rows = {{.work = "tcp_rr",
                    .subject = "vtepd-tc",
                    .entries = 10,
                    .unit = "us",
                    .summary = {.median = median, .min = median - 1, .max = median + 1, .runs = 5},
                    .extra = {{"p99", p99}}}},
          .failures = {}};
}

TEST(Merge, TakesTheMedianOfTheRunsMediansAndTheirExtremes) {
  const Report merged = merge({run_of(60, 90), run_of(50, 100), run_of(80, 95)});
  ASSERT_EQ(merged.rows.size(), 1U);
  const Row& row = merged.rows.front();
  EXPECT_EQ(row.summary.median, 60);
  EXPECT_EQ(row.summary.min, 49);
  EXPECT_EQ(row.summary.max, 81);
  EXPECT_EQ(row.summary.runs, 15U);
  EXPECT_EQ(row.extra.at("p99"), 95);
  EXPECT_EQ(merged.bed.at("full runs"), 3);
  EXPECT_EQ(merge({merged}).bed.at("full runs"), 3) << "written once more";
  EXPECT_EQ(merge({merged, run_of(60, 90)}).bed.at("full runs"), 4);
}

TEST(Merge, RunsMayHaveTheirOwnDate) {
  Report first = run_of(60, 90);
  Report second = run_of(50, 100);
  first.bed["date"] = "2026-11-26T20:00:00Z";
  second.bed["date"] = "2026-11-26T20:30:00Z";
  EXPECT_EQ(merge({first, second}).bed.at("date"), "2026-11-26T20:00:00Z");
}

TEST(Merge, RefusesRunsOfDifferentBeds) {
  Report other = run_of(50, 100);
  other.bed["kernel"] = "5.10";
  EXPECT_THROW((void)merge({run_of(60, 90), other}), std::runtime_error);
}

TEST(Merge, RefusesRunsOfDifferentPlans) {
  Report shorter = run_of(50, 100);
  shorter.rows.clear();
  EXPECT_THROW((void)merge({run_of(60, 90), shorter}), std::runtime_error);
  EXPECT_THROW((void)merge({shorter, run_of(60, 90)}), std::runtime_error);
}

TEST(Merge, KeepsWhatFailed) {
  Report failed = run_of(50, 100);
  failed.failures.push_back("udp_64: lost");
  EXPECT_THAT(merge({run_of(60, 90), failed}).failures, testing::ElementsAre("udp_64: lost"));
}

}  // namespace
}  // namespace vtepd::bench
