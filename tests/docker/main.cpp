// SPDX-License-Identifier: GPL-2.0-only
#include "support/consul.h"
#include "support/docker.h"
#include "support/docker_machine.h"
#include "support/process.h"

#include <csignal>
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace {

// Where nothing of this can run, every test says why and is counted as skipped.
std::string reason_to_skip(const std::string& suite) {
  if (geteuid() != 0) {
    return "needs root";
  }
  if (vtepd::test::run({"stat", "-f", "-c", "%T", "/sys/fs/bpf"}).out != "bpf_fs\n") {
    return "needs a BPF file system at /sys/fs/bpf; scripts/test mounts it";
  }
  if (vtepd::test::docker_program().empty() || vtepd::test::consul_program().empty()) {
    return "needs dockerd and Consul; scripts/peers fetches them";
  }
  if (suite.starts_with("Long") && std::getenv("VTEPD_SKIP_LONG") != nullptr) {
    return "takes over 30 s; name the label long";
  }
  return "";
}

class Skipper : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& info) override {
    const std::string reason = reason_to_skip(info.test_suite_name());
    if (!reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Exceptions end a test, not the program; a broken pipe neither.
  std::signal(SIGPIPE, SIG_IGN);
  testing::UnitTest::GetInstance()->listeners().Append(new Skipper);
  int result = RUN_ALL_TESTS();
  // A fault of dockerd's own, not of what is tested: the test begins anew, and fails the third
  // time.
  for (int again = 0; result != 0 && vtepd::test::docker_lost_its_way() && again < 2; ++again) {
    std::cout << "once more: dockerd called Consul from a namespace that has no way to it\n";
    result = RUN_ALL_TESTS();
  }
  return result;
}
