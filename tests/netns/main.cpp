// SPDX-License-Identifier: GPL-2.0-only
#include "support/skipper.h"

#include <csignal>

#include <gtest/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Exceptions end a test, not the program; a broken pipe neither.
  std::signal(SIGPIPE, SIG_IGN);
  testing::UnitTest::GetInstance()->listeners().Append(
      new vtepd::test::Skipper(vtepd::test::lab_skip_reason));
  return RUN_ALL_TESTS();
}
