// SPDX-License-Identifier: GPL-2.0-only
#include "support/consul.h"
#include "support/docker.h"
#include "support/docker_machine.h"
#include "support/skipper.h"

#include <csignal>
#include <iostream>

#include <gtest/gtest.h>

namespace {

std::string reason_to_skip(const std::string& suite) {
  auto reason = vtepd::test::lab_skip_reason(suite);
  if (reason.empty() &&
      (vtepd::test::docker_program().empty() || vtepd::test::consul_program().empty())) {
    reason = "needs dockerd and Consul; scripts/peers fetches them";
  }
  return reason;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Exceptions end a test, not the program; a broken pipe neither.
  std::signal(SIGPIPE, SIG_IGN);
  testing::UnitTest::GetInstance()->listeners().Append(new vtepd::test::Skipper(reason_to_skip));
  int result = RUN_ALL_TESTS();
  // A fault of dockerd's own, not of what is tested: the test begins anew, and fails the third
  // time.
  for (int again = 0; result != 0 && vtepd::test::docker_lost_its_way() && again < 2; ++again) {
    std::cout << "once more: dockerd called Consul from a namespace that has no way to it\n";
    result = RUN_ALL_TESTS();
  }
  return result;
}
