// SPDX-License-Identifier: GPL-2.0-only
#include "config/suggest.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

TEST(Suggest, NearWordIsFound) {
  const std::vector<std::string> known{"address", "device", "port", "mode"};
  EXPECT_EQ(nearest("adress", known), "address");
  EXPECT_EQ(nearest("addresss", known), "address");
  EXPECT_EQ(nearest("prot", known), "port");
  EXPECT_EQ(nearest("mdoe", known), "mode");
}

TEST(Suggest, FarWordIsNot) {
  EXPECT_EQ(nearest("colour", {"address", "port"}), "");
  EXPECT_EQ(nearest("", {"address", "port"}), "");
  EXPECT_EQ(nearest(std::string(100000, 'a'), {"address"}), "");
}

TEST(Suggest, NearestOfSeveralWins) {
  EXPECT_EQ(nearest("vni", {"vnis", "vni", "via"}), "vni");
}

TEST(Suggest, ListsReadAsASentence) {
  EXPECT_EQ(list_of({}, "and"), "");
  EXPECT_EQ(list_of({"a"}, "and"), "'a'");
  EXPECT_EQ(list_of({"a", "b"}, "or"), "'a' or 'b'");
  EXPECT_EQ(list_of({"a", "b", "c"}, "or"), "'a', 'b' or 'c'");
}

}  // namespace
}  // namespace vtepd
