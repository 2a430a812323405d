// SPDX-License-Identifier: GPL-2.0-only
#include "nft/listing.h"

#include <gtest/gtest.h>

namespace vtepd::nft {
namespace {

// As nft 1.0.6 writes it.
constexpr const char* kTable = R"({"nftables": [{"metainfo": {"version": "1.0.6"}},
 {"table": {"family": "bridge", "name": "vtepd", "handle": 1}},
 {"map": {"family": "bridge", "name": "ports", "table": "vtepd", "type": "ifname", "handle": 41,
  "map": "mark", "elem": [["vtep00000001", 16777472]]}},
 {"set": {"family": "bridge", "name": "macs", "table": "vtepd", "type": ["ifname", "integer"],
  "handle": 44, "elem": [{"concat": ["vtep00000001", 2485377892354]}]}},
 {"set": {"name": "nets4", "type": ["ifname", "ipv4_addr"], "flags": ["interval"],
  "elem": [{"concat": ["vtep00000001", {"prefix": {"addr": "10.0.0.0", "len": 8}}]}]}},
 {"set": {"name": "nets6", "type": ["ifname", "integer"], "flags": ["interval"],
  "elem": [{"concat": ["vtep00000001", {"range": [0, "0x00ff"]}]}]}},
 {"set": {"name": "empty", "type": "mark"}},
 {"set": {"name": "spoof_mac", "type": "mark", "size": 65536, "stmt": [{"counter": null}],
  "elem": [{"elem": {"val": 256, "counter": {"packets": 3, "bytes": 120}}}]}},
 {"counter": {"name": "layout_1_2", "handle": 7, "packets": 0, "bytes": 0}},
 {"chain": {"name": "ip4", "handle": 8}},
 {"rule": {"chain": "ip4", "handle": 9, "expr": [{"drop": null}]}}]})";

TEST(Listing, ElementsAreAsTheyAreWritten) {
  const auto listing = parse_listing(kTable);
  ASSERT_TRUE(listing) << listing.error().what;
  const Elements expected{{{"ports", "vtep00000001"}, "0x1000100"},
                          {{"macs", "vtep00000001 . 0x242ac110002"}, ""},
                          {{"nets4", "vtep00000001 . 10.0.0.0/8"}, ""},
                          {{"nets6", "vtep00000001 . 0x0-0xff"}, ""},
                          {{"spoof_mac", "0x100"}, ""}};
  EXPECT_EQ(listing->elements, expected);
}

TEST(Listing, Counts) {
  const auto listing = parse_listing(kTable);
  ASSERT_TRUE(listing);
  ASSERT_EQ(listing->counts.size(), 2U);
  EXPECT_EQ(listing->counts[0].first, "spoof_mac");
  EXPECT_EQ(listing->counts[0].second.key, 256U);
  EXPECT_EQ(listing->counts[0].second.packets, 3U);
  EXPECT_EQ(listing->counts[0].second.bytes, 120U);
  EXPECT_EQ(listing->counts[1].first, "layout_1_2");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Listing, DigestIsOfTheRulesOnly) {
  const std::string table = kTable;
  const auto digest = parse_listing(table).value().rules;
  for (const auto& [from, to] :
       {std::pair{R"("handle": 9)", R"("handle": 10)"}, std::pair{"2485377892354", "2485377892355"},
        std::pair{R"("packets": 3)", R"("packets": 4)"}}) {
    EXPECT_EQ(parse_listing(replaced(table, from, to)).value().rules, digest) << to;
  }
  for (const auto& [from, to] :
       {std::pair{R"({"drop": null})", R"({"accept": null})"},
        std::pair{R"({"chain": {"name": "ip4")", R"({"chain": {"name": "ip5")"},
        std::pair{R"({"set": {"name": "empty", "type": "mark"}},)", ""}}) {
    EXPECT_NE(parse_listing(replaced(table, from, to)).value().rules, digest) << to;
  }
}

TEST(Listing, WhatIsNoListingIsAnError) {
  for (const char* bad : {"", "{", "{}", R"({"nftables": [{"set": {}}]})",
                          R"({"nftables": [{"counter": {"name": "x"}}]})",
                          R"({"nftables": [{"set": {"name": "x", "elem": [{"elem": {}}]}}]})"}) {
    EXPECT_FALSE(parse_listing(bad)) << bad;
  }
}

TEST(Listing, Tables) {
  const auto tables = parse_tables(kTable);
  ASSERT_TRUE(tables);
  EXPECT_EQ(*tables, (std::vector<std::pair<std::string, std::string>>{{"bridge", "vtepd"}}));
}

}  // namespace
}  // namespace vtepd::nft
