// SPDX-License-Identifier: GPL-2.0-only
// Before any thread starts the program moves into a network namespace of its own, which all it
// starts inherits: its servers have the usual ports on 127.0.0.1 and nobody else's are reached.
#include "services/consul_bed.h"
#include "unit/contract/kv_store_contract.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <sched.h>

int main(int argc, char** argv) {
  const int child = vtepd::test::run_contract_child(
      argc, argv, [](const std::string& address) { return vtepd::test::open_store(address); });
  if (child >= 0) {
    return child;
  }
  testing::InitGoogleTest(&argc, argv);
  if (!testing::GTEST_FLAG(list_tests)) {
    const bool apart = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!apart || std::system("ip link set lo up") != 0) {
      std::fprintf(stderr, "cannot make a network namespace; run the tests as root\n");
      return 1;
    }
  }
  return RUN_ALL_TESTS();
}
