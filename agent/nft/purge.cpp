// SPDX-License-Identifier: GPL-2.0-only
#include "nft/nft_filter.h"
#include "nft/rules.h"

#include <algorithm>

namespace vtepd {

namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

// Deletes those of `names` (family and name) that are there; what it deleted is added to `removed`.
Result<void> delete_tables(const Names& names, Result<nft::Context> context,
                           std::vector<std::string>& removed) {
  if (!context) {
    // Where there is no nftables there are no tables.
    return context.error().kind == ErrorKind::Unavailable ? Result<void>() : fail(context.error());
  }
  const auto listed = context->list("list the tables of nftables", "list tables");
  const auto tables = listed ? nft::parse_tables(*listed) : Result<Names>(fail(listed.error()));
  if (!tables) {
    return fail(tables.error());
  }
  for (const auto& name : names) {
    if (std::find(tables->begin(), tables->end(), name) == tables->end()) {
      continue;
    }
    const std::string title = "table " + name.first + " " + name.second;
    auto done = context->run("delete " + title, "delete " + title);
    if (!done && done.error().kind != ErrorKind::NotFound) {
      return done;
    }
    removed.push_back(title);
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> NftFilter::purge(const std::string& instance,
                                                  std::optional<int> hidden_netns) {
  std::vector<std::string> removed;
  if (hidden_netns) {
    auto done = delete_tables({{"bridge", nft::kBridgeTable}}, nft::Context::open_in(*hidden_netns),
                              removed);
    if (!done) {
      return fail(std::move(done).error());
    }
  }
  const auto name = nft::underlay_table(instance);
  auto done = delete_tables({{"ip", name}, {"ip6", name}}, nft::Context::open(), removed);
  if (!done) {
    return fail(std::move(done).error());
  }
  return removed;
}

}  // namespace vtepd
