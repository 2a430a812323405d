// SPDX-License-Identifier: GPL-2.0-only
#include "core/touched.h"

#include <string>

#include <gmock/gmock.h>

namespace vtepd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct First {
  int operator()(const std::pair<int, std::string>& item) const { return item.first; }
};

TEST(Touched, TellsEachKeyOnceAndInOrder) {
  Touched<int> touched;
  for (const int key : {3, 1, 3, 2, 1}) {
    touched.add(key);
  }
  EXPECT_THAT(touched.take(), ElementsAre(1, 2, 3));
  EXPECT_THAT(touched.take(), IsEmpty());
}

TEST(Touched, KeepsWhatWasNotedFirst) {
  Touched<std::pair<int, std::string>, First> touched;
  touched.add({2, "first"});
  touched.add({1, "other"});
  touched.add({2, "later"});
  EXPECT_TRUE(touched.any_of([](const auto& item) { return item.second == "later"; }));
  EXPECT_THAT(touched.take(), ElementsAre(std::pair(1, "other"), std::pair(2, "first")));
}

TEST(Touched, ForgetsAll) {
  Touched<int> touched;
  touched.add(1);
  touched.forget();
  EXPECT_THAT(touched.take(), IsEmpty());
}

}  // namespace
}  // namespace vtepd
