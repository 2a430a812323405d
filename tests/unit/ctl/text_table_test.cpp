// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/text_table.h"

#include <gtest/gtest.h>

namespace vtepd::ctl {
namespace {

TEST(TextTable, ColumnsAreAsWideAsTheirContent) {
  TextTable table({{"NAME"}, {"VNI", true}, {"NOTE"}});
  table.add({"blue", "256", "x"});
  table.add({"a-long-name", "7", ""});
  EXPECT_EQ(table.text(),
            "NAME         VNI  NOTE\n"
            "blue         256  x\n"
            "a-long-name    7  -\n");
}

TEST(TextTable, WithoutRowsThereAreHeadings) {
  EXPECT_EQ(TextTable({{"A"}, {"B", true}}).text(), "A  B\n");
}

TEST(TextTable, CharactersCountNotBytes) {
  TextTable table({{"NAME"}, {"X"}});
  table.add({"gr\xc3\xbcn", "1"});
  table.add({"blue", "2"});
  EXPECT_EQ(table.text(), "NAME  X\ngr\xc3\xbcn  1\nblue  2\n");
}

TEST(TextTable, ControlCharactersDoNotReachTheTerminal) {
  TextTable table({{"NAME"}});
  table.add({"a\x1b[2J\n"});
  table.add({});
  EXPECT_EQ(table.text(), "NAME\na?[2J?\n-\n");
}

}  // namespace
}  // namespace vtepd::ctl
