// SPDX-License-Identifier: GPL-2.0-only
#include "core/move_limiter.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

using namespace std::chrono_literals;

AddressMove move(unsigned last, const char* endpoint) {
  return {.network_id = "n",
          .address = IpAddress::v4(0xc0000200 + last),
          .endpoint_id = endpoint,
          .mac = {}};
}

TEST(MoveLimiter, TheFirstMoveIsDueAtOnceAndTheLatestAtTheEndOfTheInterval) {
  MoveLimiter limiter(1000ms);
  EXPECT_FALSE(limiter.due(0ms));
  EXPECT_FALSE(limiter.next());
  limiter.announce(move(1, "a"), 5000ms);
  EXPECT_EQ(limiter.due(5000ms)->endpoint_id, "a");

  limiter.announce(move(1, "b"), 5100ms);
  limiter.announce(move(1, "a"), 5200ms);
  limiter.announce(move(1, "c"), 5300ms);
  EXPECT_FALSE(limiter.due(5999ms));
  EXPECT_EQ(limiter.next(), 6000ms);
  EXPECT_EQ(limiter.due(6000ms)->endpoint_id, "c");
  EXPECT_EQ(limiter.limited(), 2U);
  EXPECT_FALSE(limiter.next());

  limiter.announce(move(1, "a"), 9000ms);
  EXPECT_EQ(limiter.due(9000ms)->endpoint_id, "a");
  EXPECT_EQ(limiter.limited(), 2U);
}

TEST(MoveLimiter, AddressesDoNotWaitForEachOther) {
  MoveLimiter limiter(1000ms);
  limiter.announce(move(1, "a"), 0ms);
  limiter.announce(move(2, "a"), 0ms);
  EXPECT_TRUE(limiter.due(0ms));
  EXPECT_TRUE(limiter.due(0ms));
  EXPECT_FALSE(limiter.due(0ms));
  EXPECT_EQ(limiter.limited(), 0U);
}

}  // namespace
}  // namespace vtepd
