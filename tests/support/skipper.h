// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/process.h"

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::test {

// Why a test of the suite cannot run here; empty: it can.
using SkipReason = std::function<std::string(const std::string& suite)>;

// Where a test cannot run it says why and is counted as skipped.
class Skipper : public testing::EmptyTestEventListener {
 public:
  explicit Skipper(SkipReason reason) : reason_(std::move(reason)) {}

 private:
  void OnTestStart(const testing::TestInfo& info) override {
    const std::string reason = reason_(info.test_suite_name());
    if (!reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }

  SkipReason reason_;
};

// What every test with a lab needs.
inline std::string lab_skip_reason(const std::string& suite) {
  if (geteuid() != 0) {
    return "needs root";
  }
  if (run({"stat", "-f", "-c", "%T", "/sys/fs/bpf"}).out != "bpf_fs\n") {
    return "needs a BPF file system at /sys/fs/bpf; scripts/test mounts it";
  }
  if (suite.starts_with("Long") && std::getenv("VTEPD_SKIP_LONG") != nullptr) {
    return "takes over 30 s; name the label long";
  }
  return "";
}

}  // namespace vtepd::test
