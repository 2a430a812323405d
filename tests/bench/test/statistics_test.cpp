// SPDX-License-Identifier: GPL-2.0-only
#include "bench/statistics.h"

#include <numeric>

#include <gtest/gtest.h>

namespace vtepd::bench {
namespace {

TEST(Statistics, MedianIsTheOneInTheMiddle) {
  const Summary odd = summarize({5, 1, 3});
  EXPECT_EQ(odd.median, 3);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 5);
  EXPECT_EQ(odd.runs, 3U);
}

TEST(Statistics, MedianOfAnEvenNumberIsBetweenTheTwoInTheMiddle) {
  EXPECT_EQ(summarize({4, 1, 2, 100}).median, 3);
  EXPECT_EQ(summarize({7}).median, 7);
  EXPECT_EQ(summarize({}).runs, 0U);
}

TEST(Statistics, PercentileIsAValueThatOccurred) {
  std::vector<double> values(100);
  std::iota(values.rbegin(), values.rend(), 1);
  EXPECT_EQ(percentile(values, 0.5), 50);
  EXPECT_EQ(percentile(values, 0.99), 99);
  EXPECT_EQ(percentile(values, 1), 100);
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile({3}, 0.99), 3);
  EXPECT_EQ(percentile({}, 0.5), 0);
}

}  // namespace
}  // namespace vtepd::bench
