// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_names.h"

#include <random>

#include <gtest/gtest.h>

namespace vtepd::filestore {

namespace {

TEST(FileNames, MapsAsDocumented) {
  EXPECT_EQ(*path_of_key("docker/nodes/10.0.0.1:2376"), "docker/nodes/10.0.0.1:2376%");
  EXPECT_EQ(*path_of_key("docker/network/v1.0/network/ab/"), "docker/network/v1.0/network/ab%2F");
  EXPECT_EQ(*path_of_key("a"), "a%");
  EXPECT_EQ(*path_of_key("a/"), "a%2F");
  EXPECT_EQ(*path_of_key("a/b"), "a/b%");
  EXPECT_EQ(*path_of_key("/"), "%-%2F");
  EXPECT_EQ(*path_of_key("a//b"), "a/%-/b%");
  EXPECT_EQ(*path_of_key("../.x/5%"), "%2E./%2Ex/5%25%");
  EXPECT_EQ(*path_of_key("tab\tdel\x7f"), "tab%09del%7F%");
}

TEST(FileNames, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(path_of_key(""));
  EXPECT_TRUE(path_of_key(std::string(254, 'x')));
  EXPECT_FALSE(path_of_key(std::string(255, 'x')));
  EXPECT_FALSE(path_of_key(std::string(90, '\n')));
  std::string deep;
  for (int i = 0; i < 2500; ++i) {
    deep += "x/";
  }
  EXPECT_FALSE(path_of_key(deep));
}

TEST(FileNames, OnlyTheSpellingThatEncodeMakesIsAKey) {
  for (const char* path : {"",     "a",     "a~",  ".a%",    "..%",     "a%2f",  "%41%", "a%2",
                           "a%%",  "%",     "%-%", "a/./b%", "a/../b%", "a//b%", "/a%",  "a/.swp%",
                           "4913", "x.tmp", "%-",  "a%/b%",  "a%2F/b%", "%2F",   "%2Fa%"}) {
    EXPECT_FALSE(key_of_path(path)) << path << " → " << key_of_path(path).value_or("");
  }
}

TEST(FileNames, RoundTripsAnyKey) {
  std::minstd_rand random(7);
  const std::string alphabet("/%.-a2F\n\x7f\0\xc3", 11);
  for (int i = 0; i < 20000; ++i) {
    std::string key;
    for (auto size = random() % 12 + 1; size > 0; --size) {
      key += alphabet[random() % alphabet.size()];
    }
    const auto path = path_of_key(key);
    ASSERT_TRUE(path);
    EXPECT_EQ(key_of_path(*path), key) << *path;
  }
}

}  // namespace

}  // namespace vtepd::filestore
