// SPDX-License-Identifier: GPL-2.0-only
#include "serf_bed.h"
#include "support/process.h"
#include "support/skipper.h"

#include <csignal>
#include <iostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace {

std::string reason_to_skip;

// As a daemon that is about to be killed: starts an agent for a node, and says its pid.
int be_a_parent(const std::string& folder) {
  auto options = vtepd::test::child_options(9);
  options.child.config_path = folder + "/parent.json";
  const vtepd::test::Node node(options);
  if (!node.ear->wait(vtepd::GossipNotice::Kind::Recovered)) {
    std::cerr << node.ear->text();
    return 1;
  }
  std::cout << "child " << node.ear->child() << std::endl;
  pause();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--parent") {
    return be_a_parent(argv[2]);
  }
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(
      new vtepd::test::Skipper([](const auto&) { return reason_to_skip; }));
  signal(SIGPIPE, SIG_IGN);
  if (geteuid() != 0) {
    reason_to_skip = "needs root";
  } else if (!vtepd::test::run({"serf", "version"}).ok()) {
    reason_to_skip = "needs the package serf; scripts/test installs it";
  } else if (!testing::GTEST_FLAG(list_tests) &&
             (unshare(CLONE_NEWNET) != 0 ||
              !vtepd::test::run({"ip", "link", "set", "lo", "up"}).ok())) {
    std::cerr << "no network namespace of our own\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
