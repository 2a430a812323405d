// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "ports/kv_store.h"
#include "registry/bit_sequence.h"
#include "registry/keys.h"

#include <cstdint>
#include <optional>
#include <string>

namespace vtepd::registry {

// As Docker sizes it: a bit for each address, 2^64-1 at most.
std::uint64_t pool_bits(const IpPrefix& pool);
// The pool's bits when nobody has an address: the network's own is set, IPv4's broadcast too.
BitSequence fresh_pool(const IpPrefix& pool);
// Position of the address in its pool. Invalid if it is not in it, or beyond 2^64 in an IPv6 pool.
Result<std::uint64_t> ordinal_of(const IpPrefix& pool, const IpAddress& address);
IpAddress address_at(const IpPrefix& pool, std::uint64_t ordinal);

// An address that is free in the pool as it was read.
struct FreeAddress {
  IpPrefix address;
  std::uint64_t index = 0;  // of the pool's key
  std::string bits;         // the key's value with the address taken
};

// The wanted address or the lowest free one of the pool (or of the part of it that the id means).
// Exhausted if there is none; Conflict if the wanted one is taken.
Result<FreeAddress> find_address(KvStore& store, const Keys& keys, const std::string& pool_id,
                                 const std::optional<IpAddress>& wanted);
// The same, and takes it.
Result<IpPrefix> take_address(KvStore& store, const Keys& keys, const std::string& pool_id,
                              const std::optional<IpAddress>& wanted);
Result<void> release_address(KvStore& store, const Keys& keys, const std::string& pool_id,
                             const IpAddress& address);

}  // namespace vtepd::registry
