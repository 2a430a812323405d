// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/backoff.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

TEST(Backoff, DoublesUpToItsLongestAndStartsAnew) {
  using std::chrono::milliseconds;
  Backoff backoff(milliseconds(100), milliseconds(2000));
  const auto near = [](milliseconds delay, int wanted) {
    return delay.count() >= wanted / 2 && delay.count() <= wanted;
  };
  for (const int wanted : {100, 200, 400, 800, 1600, 2000, 2000}) {
    EXPECT_TRUE(near(backoff.next(), wanted)) << wanted;
  }
  backoff.reset();
  EXPECT_TRUE(near(backoff.next(), 100));
}

}  // namespace
}  // namespace vtepd
