// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/operations.h"
#include "registry/own_codec.h"

#include <cstdint>
#include <optional>
#include <string>

namespace vtepd::registry {

// The key of a floating address, and its bit in the pool.

struct StoredFloating {
  FloatingRecord record;
  std::uint64_t index = 0;
};

Result<std::optional<StoredFloating>> read_floating(const Context& context,
                                                    const std::string& network_id,
                                                    const IpAddress& address);
// False: the key's index is not `expected`.
Result<bool> write_floating(const Context& context, const FloatingRecord& record,
                            std::uint64_t expected);

// Takes the bit of the pool for the key, whose index is `expected`, and puts the record in force.
// The key says so first, so that a crash loses no bit. False: somebody else was faster. Conflict:
// somebody has the address.
Result<bool> take_bit(const Context& context, FloatingRecord record, std::uint64_t expected,
                      const std::string& pool_id);

// Ends what somebody began that took the bit, and is gone or slow: the record is in force, or gone.
Result<void> finish_taking(const Context& context, StoredFloating stored);
// Ends what a holder began that lets go: clears the bit, then the key goes.
Result<void> finish_letting_go(const Context& context, StoredFloating stored);

// The address of a floating address's key; none if the key is not one.
std::optional<IpAddress> floating_address_of(const Keys& keys, std::string_view key);

}  // namespace vtepd::registry
