// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/operations.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace vtepd::registry {

// Something that has to be given back exactly once, though whoever does it may die at any moment:
// an address bit, a place in a count. The key that holds it cannot tell whether that was done, so a
// record elsewhere does, which goes last:
//
//   1. the record notes the index of the key at which it shall be given back
//   2. the key is written by compare-and-set at just that index
//   3. the record forgets it, or goes
//
// After a crash an unchanged index proves that step 2 was not done. A changed one leaves it open,
// and the contents decide (`looks_done`). What looks like not done may be somebody who has just
// taken the thing and not yet written that down; so that is looked at twice, some seconds apart.
struct GiveBack {
  std::string key;
  // What the key shall hold afterwards; nothing if it needs no change.
  std::function<Result<std::optional<std::string>>(const KvPair&)> reduced;
  std::function<Result<bool>(const KvPair&)> looks_done;
  // Writes the noted index into the record. An error ends it all.
  std::function<Result<void>()> note;
};

// Whether what was to be taken at `index` of the key was taken: there is something to give back.
// For when nobody is left who knows.
Result<bool> was_taken(const Context& context, const GiveBack& what, std::uint64_t index);

// Steps 2 and 3 without the record's last write. `noted` is empty afterwards. `resumed`: an earlier
// run noted the index, and what it got done is open.
Result<void> give_back(const Context& context, const GiveBack& what,
                       std::optional<std::uint64_t>& noted, bool resumed);

// The bits of the pool without this address; nothing if the bit is clear.
Result<std::optional<std::string>> without_address(const KvPair& pair, const std::string& pool_id,
                                                   const IpAddress& address);
// Whether an endpoint of the network other than this one has the address as its own.
Result<bool> others_have(const Context& context, const std::string& network_id,
                         const IpAddress& address, const std::string& except_id);

}  // namespace vtepd::registry
