// SPDX-License-Identifier: GPL-2.0-only
#include "bench/report.h"

#include <gmock/gmock.h>

namespace vtepd::bench {
namespace {

using testing::HasSubstr;

Report small_report() {
  return {.bed = {{"kernel", "6.18"}},
          .rows = {{.work = "receive_64",
                    .subject = "vtepd-tc",
                    .entries = 10,
                    .unit = "ns/packet",
                    .summary = {.median = 568, .min = 550.5, .max = 1900, .runs = 7}},
                   {.work = "tcp_rr",
                    .subject = "routed",
                    .entries = 10,
                    .unit = "us",
                    .summary = {.median = 75.25, .min = 70, .max = 80, .runs = 7},
                    .extra = {{"p99", 120}}}},
          .failures = {}};
}

TEST(Report, JsonHasTheFieldsThatToolsRead) {
  const Json document = to_json(small_report());
  EXPECT_EQ(document.dump(),
            R"({"bed":{"kernel":"6.18"},"results":[{"work":"receive_64","subject":"vtepd-tc",)"
            R"("entries":10,"unit":"ns/packet","median":568.0,"min":550.5,"max":1900.0,"runs":7},)"
            R"({"work":"tcp_rr","subject":"routed","entries":10,"unit":"us","median":75.25,)"
            R"("min":70.0,"max":80.0,"runs":7,"p99":120.0}]})");
}

TEST(Report, JsonIsReadBack) {
  Report report = small_report();
  report.failures = {"send_64, bare: nothing arrived"};
  EXPECT_EQ(to_json(from_json(to_json(report))), to_json(report));
  EXPECT_ANY_THROW((void)from_json(Json{{"bed", Json::object()}}));
}

TEST(Report, FailuresMakeTheExitCode) {
  Report report = small_report();
  EXPECT_EQ(exit_code(report), 0);
  report.failures = {"send_64, bare: nothing arrived"};
  EXPECT_EQ(exit_code(report), 1);
  EXPECT_EQ(exit_code({}), 1) << "nothing was measured";
}

TEST(Report, FiguresHaveTheDigitsThatMatter) {
  EXPECT_EQ(figure(1234567.8), "1,234,568");
  EXPECT_EQ(figure(568), "568");
  EXPECT_EQ(figure(75.25), "75.2");
  EXPECT_EQ(figure(0.8), "0.8");
  EXPECT_EQ(figure(3.14159), "3.14");
  EXPECT_EQ(figure(0), "0");
  EXPECT_EQ(figure(-1500), "-1,500");
}

TEST(Report, TableHasALineForEachRow) {
  const std::string table = to_table(small_report().rows);
  EXPECT_THAT(table, HasSubstr("receive_64"));
  EXPECT_THAT(table, HasSubstr("1,900"));
  EXPECT_THAT(table, HasSubstr("p99 120"));
}

}  // namespace
}  // namespace vtepd::bench
