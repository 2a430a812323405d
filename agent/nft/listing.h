// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "nft/elements.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::nft {

// What the counter of a set's element has, or a named counter (`key` 0).
struct Count {
  std::uint32_t key = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// What nft lists of a table, or of one object of it.
struct Listing {
  Elements elements;  // of sets and maps; where they count, without the counts
  std::vector<std::pair<std::string, Count>> counts;  // by the name of the set or counter
  std::uint64_t rules = 0;  // a digest of chains, rules and the names of sets, the handles apart
};

// `json`: libnftables-json(5). Objects of other kinds are passed over.
Result<Listing> parse_listing(const std::string& json);

// Family and name of every table.
Result<std::vector<std::pair<std::string, std::string>>> parse_tables(const std::string& json);

}  // namespace vtepd::nft
