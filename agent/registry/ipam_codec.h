// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "registry/bit_sequence.h"

#include <string>
#include <string_view>
#include <vector>

namespace vtepd::registry {

// idm/vxlan-id/ and ipam/default/data/…: a name and its bits.
struct NamedBits {
  std::string id;
  BitSequence bits{0};
};

Result<NamedBits> decode_bits(std::string_view key, std::string_view value);
std::string encode_bits(const NamedBits& named);

// ipam/default/config/<space>/: the pools in use. A value is changed in its text, because what
// other pools say there must stay as it is.
std::string empty_pools();
// Ids of the pools, such as "GlobalDefault/10.0.0.0/24".
Result<std::vector<std::string>> pool_ids(std::string_view key, std::string_view value);
Result<std::string> with_pool(std::string_view key, std::string_view value,
                              const std::string& pool_id, const IpPrefix& pool);

struct ReleasedPool {
  std::string value;
  bool changed = false;    // the pool was there
  bool last_user = false;  // nobody uses the whole pool any more: its addresses go too
};

// One user less for the pool and for the pool it is a part of; a pool without users goes.
Result<ReleasedPool> without_pool(std::string_view key, std::string_view value,
                                  const std::string& pool_id);

}  // namespace vtepd::registry
