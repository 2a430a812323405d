// SPDX-License-Identifier: GPL-2.0-only
// Somebody else meddles with maps and interfaces: noticed, logged once, put right within 30 s, and
// nothing else touched.
#include "support/lab.h"

#include <iostream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr Milliseconds kRepaired = Seconds(30);

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++found;
  }
  return found;
}

// `bpftool map WORD` of one entry, whose bytes are as the dump has them.
void meddle(const Host& host, const std::string& map, const std::string& word, const Json& entry) {
  std::vector<std::string> words{"bpftool", "map", word, "pinned", host.map_path(map), "key"};
  for (const Json& byte : entry.at("key")) {
    words.push_back(byte);
  }
  if (word == "update") {
    words.push_back("value");
    words.insert(words.end(), entry.at("value").size(), "0x5a");
  }
  const Outcome done = run(words);
  ASSERT_TRUE(done.ok()) << map << ": " << done.text();
}

class EntryDrift : public testing::TestWithParam<const char*> {};

TEST_P(EntryDrift, IsPutRightAndLoggedOnce) {
  Pair pair;
  Host& host = pair.lab.host(1);
  const std::vector<std::string> maps{"vtep_fdb",   "vtep_neigh", "vtep_peers",
                                      "vtep_ports", "vtep_vnis",  "vtep_members"};
  std::map<std::string, Json> before;
  for (const std::string& map : maps) {
    before[map] = host.map_entries(map);
    ASSERT_FALSE(before[map].empty()) << map;
    meddle(host, map, GetParam(), before[map].at(0));
  }
  const auto begin = Clock::now();
  EXPECT_FALSE(pair.a->pings(pair.b->address, 1)) << "the twin: these entries are needed";

  for (const std::string& map : maps) {
    const auto whole = [&] {
      const Json now = host.map_entries(map);
      return std::all_of(before[map].begin(), before[map].end(), [&](const Json& entry) {
        return std::find(now.begin(), now.end(), entry) != now.end();
      });
    };
    EXPECT_TRUE(wait_until(whole, kRepaired, Milliseconds(100))) << map;
  }
  std::cout << "put right after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  EXPECT_TRUE(pair.a->pings(pair.b->address));
  EXPECT_TRUE(pair.b->pings(pair.a->address));
  EXPECT_EQ(count(read_file(host.log_path()), "put right"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Somebody, EntryDrift, testing::Values("delete", "update"),
                         [](const auto& word) { return std::string(word.param); });

TEST(Drift, RenamedHostEndGetsItsNameBack) {
  Pair pair;
  Host& host = pair.lab.host(1);
  const std::string end = host.host_end();
  const auto named = [&] { return host.at_host_ends({"ip", "link", "show", "dev", end}).ok(); };

  ASSERT_TRUE(host.at_host_ends({"ip", "link", "set", end, "name", "meddled0"}).ok());

  EXPECT_TRUE(wait_until(named, kRepaired));
  EXPECT_TRUE(pair.a->pings(pair.b->address));
  EXPECT_EQ(count(read_file(host.log_path()), "put right"), 1U);
  EXPECT_TRUE(pair.lab.host(2).knows(pair.a->address));
}

TEST(Drift, HostEndRenamedWhileNoDaemonRanIsKept) {
  Pair pair;
  Host& host = pair.lab.host(1);
  const std::string end = host.host_end();
  host.kill9();
  ASSERT_TRUE(host.at_host_ends({"ip", "link", "set", end, "name", "meddled0"}).ok());

  host.start();

  EXPECT_TRUE(host.at_host_ends({"ip", "link", "show", "dev", end}).ok());
  EXPECT_TRUE(pair.a->pings(pair.b->address));
  EXPECT_TRUE(pair.lab.host(2).knows(pair.a->address)) << "nothing was withdrawn";
}

}  // namespace
}  // namespace vtepd::test
