// SPDX-License-Identifier: GPL-2.0-only
// A subject that does not deliver what it is sent has no figures, and the run fails.
#include "bench/runner.h"
#include "bench/works.h"

#include <algorithm>

#include <gmock/gmock.h>

namespace vtepd::bench {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class Loss : public testing::Test {
 protected:
  // One round of one work with small numbers.
  Report measure(const std::string& name) {
    const Effort effort{.frames = 2000, .seconds = 0.1};
    std::vector<Work> works = packet_works(meter_, effort, Spread::One);
    for (Work& work : traffic_works(effort)) {
      works.push_back(std::move(work));
    }
    const auto work =
        std::find_if(works.begin(), works.end(), [&](const Work& one) { return one.name == name; });
    Report report;
    Runner runner(report, 1);
    runner.add(*work, {{subject_.get(), 10}});
    runner.run();
    return report;
  }

  Meter meter_;
  std::unique_ptr<Subject> subject_ = make_subject("docker-layout", 10);
};

TEST_F(Loss, FramesThatDoNotArriveAreNamed) {
  EXPECT_THAT(measure("receive_64").rows, SizeIs(1));
  subject_->ends().right.netns->ip("link set eth0 down");

  const Report report = measure("receive_64");

  EXPECT_THAT(report.rows, SizeIs(0));
  ASSERT_THAT(report.failures, SizeIs(1));
  EXPECT_THAT(report.failures.front(), HasSubstr("receive_64, docker-layout with 10 entries"));
  EXPECT_THAT(report.failures.front(), HasSubstr("2000 frames were sent, 0 arrived"));
  EXPECT_EQ(exit_code(report), 1);
}

TEST_F(Loss, FramesThatLeaveNoHostAreNamed) {
  EXPECT_THAT(measure("send_64").rows, SizeIs(1));
  subject_->left_host().ip("route add blackhole 10.99.0.2/32");

  const Report report = measure("send_64");

  EXPECT_THAT(report.rows, SizeIs(0));
  ASSERT_THAT(report.failures, SizeIs(1));
  EXPECT_THAT(report.failures.front(), HasSubstr("2000 frames were sent, 0 arrived"));
}

TEST_F(Loss, DatagramsThatDoNotArriveAreNamed) {
  EXPECT_THAT(measure("udp_64").rows, SizeIs(1));
  subject_->left_host().ip("route add blackhole 10.99.0.2/32");

  const Report report = measure("udp_64");

  EXPECT_THAT(report.rows, SizeIs(0));
  ASSERT_THAT(report.failures, SizeIs(1));
  EXPECT_THAT(report.failures.front(), HasSubstr(", 0 arrived"));
}

}  // namespace
}  // namespace vtepd::bench
