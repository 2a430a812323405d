// SPDX-License-Identifier: GPL-2.0-only
#include "core/claims.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

struct Less {
  bool operator()(int a, int b) const { return a < b; }
};

using IntClaims = Claims<int, int, std::hash<int>, Less>;

constexpr int kKey = 1;
const int kFirst = 10;
const int kSecond = 20;
const int kThird = 30;

TEST(Claims, FirstClaimantWins) {
  IntClaims claims;
  EXPECT_TRUE(claims.add(kKey, &kSecond).changed);
  EXPECT_EQ(claims.winner(kKey), &kSecond);
  EXPECT_FALSE(claims.add(kKey, &kSecond).changed) << "claiming twice changes nothing";
  EXPECT_EQ(claims.conflicts(), 0U);
}

TEST(Claims, BetterClaimantTakesOver) {
  IntClaims claims;
  claims.add(kKey, &kSecond);
  EXPECT_FALSE(claims.add(kKey, &kThird).changed);
  const auto change = claims.add(kKey, &kFirst);
  EXPECT_TRUE(change.changed);
  EXPECT_EQ(change.before, &kSecond);
  EXPECT_EQ(claims.winner(kKey), &kFirst);
  EXPECT_EQ(claims.conflicts(), 2U);
}

TEST(Claims, BestOfTheOthersFollowsTheWinner) {
  IntClaims claims;
  claims.add(kKey, &kThird);
  claims.add(kKey, &kFirst);
  claims.add(kKey, &kSecond);
  EXPECT_TRUE(claims.remove(kKey, &kFirst));
  EXPECT_EQ(claims.winner(kKey), &kSecond);
  EXPECT_FALSE(claims.remove(kKey, &kThird)) << "a loser leaves unnoticed";
  EXPECT_TRUE(claims.remove(kKey, &kSecond));
  EXPECT_EQ(claims.winner(kKey), nullptr);
  EXPECT_EQ(claims.conflicts(), 0U);
  EXPECT_FALSE(claims.remove(kKey, &kFirst));
}

}  // namespace
}  // namespace vtepd
