// SPDX-License-Identifier: GPL-2.0-only
#include "bench/page.h"

#include "bench/catalogue.h"
#include "bench/plot.h"

#include <gmock/gmock.h>

namespace vtepd::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

Row row(const std::string& work, const std::string& subject, double median) {
  return {.work = work,
          .subject = subject,
          .entries = work.ends_with("_hot") ? 1000000U : 10U,
          .unit = "ns/packet",
          .summary = {.median = median, .min = median, .max = median, .runs = 3}};
}

TEST(Page, HasTheBedATableAndAPlotOfEachWork) {
  const auto documents = make_documents(
      {.bed = {{"kernel", "6.18"}},
       .rows = {row("receive_64", "docker-layout", 2000), row("receive_64", "vtepd-tc", 500),
                row("receive_64_hot", "vtepd-tc", 510), row("program_decap", "vtepd-tc", 60)},
       .failures = {}});
  ASSERT_TRUE(documents.contains("performance.md"));
  const std::string& page = documents.at("performance.md");
  EXPECT_THAT(page, HasSubstr("| kernel | 6.18 |"));
  EXPECT_THAT(page, HasSubstr("| receive_64 | vtepd-tc | 10 | 500 | 500 | 500 | ns/packet | 3 | "
                              "0.25 |  |  |"));
  EXPECT_THAT(page, HasSubstr("| receive_64_hot | vtepd-tc | 1,000,000 | 510 | 510 | 510 | "
                              "ns/packet | 3 | 0.26 |  | 1.02 of 10 entries |"));
  EXPECT_THAT(page, HasSubstr("(performance/receive_64.svg)"));
  EXPECT_THAT(page, Not(HasSubstr("program_decap.svg"))) << "one subject is no comparison";
  EXPECT_TRUE(documents.contains("performance/receive_64.svg"));
  EXPECT_TRUE(documents.contains("performance/bench.json"));
}

TEST(Page, NamesOfWorksLoseTheirSuffix) {
  EXPECT_EQ(base_name("tcp_1_wire_hot"), "tcp_1_wire");
  EXPECT_EQ(base_name("receive_64_uniform"), "receive_64");
  EXPECT_EQ(base_name("tcp_4_wire"), "tcp_4_wire");
}

TEST(Plot, TheLongestWhiskerFillsTheWidth) {
  const std::string svg =
      plot("A & B", "ns", {{.label = "a", .summary = {.median = 50, .min = 40, .max = 100}}});
  EXPECT_THAT(svg, HasSubstr("A &amp; B"));
  EXPECT_THAT(svg, HasSubstr("width=\"220\" height=\"16\"")) << "half of 440 pixels";
  EXPECT_THAT(svg, HasSubstr("H630\""));
}

TEST(Plot, NothingToPlotIsStillADocument) {
  EXPECT_THAT(plot("nothing", "ns", {}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace vtepd::bench
