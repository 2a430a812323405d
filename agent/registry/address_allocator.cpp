// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_allocator.h"

#include "registry/cas.h"
#include "registry/ipam_codec.h"

#include <limits>

namespace vtepd::registry {

namespace {

unsigned host_bits(const IpPrefix& pool) {
  return (pool.is_v4() ? 32U : 128U) - pool.length;
}

// The low 64 bits, in which every ordinal lies.
std::uint64_t low_bits(const IpAddress& address) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i < address.bytes.size(); ++i) {
    value = value << 8U | address.bytes.at(i);
  }
  return value;
}

Result<NamedBits> read_addresses(const std::string& key, const std::optional<KvPair>& pair) {
  if (!pair || pair->value.empty()) {
    return fail(ErrorKind::NotFound, "the pool's addresses '" + key +
                                         "' are not in the store: the network is being removed, or "
                                         "the key was lost");
  }
  return decode_bits(key, pair->value);
}

}  // namespace

std::uint64_t pool_bits(const IpPrefix& pool) {
  const auto bits = host_bits(pool);
  return bits >= 64 ? std::numeric_limits<std::uint64_t>::max() : std::uint64_t{1} << bits;
}

BitSequence fresh_pool(const IpPrefix& pool) {
  BitSequence bits(pool_bits(pool));
  bits.set(0);
  if (pool.is_v4()) {
    bits.set(bits.bits() - 1);
  }
  return bits;
}

Result<std::uint64_t> ordinal_of(const IpPrefix& pool, const IpAddress& address) {
  if (!pool.contains(address)) {
    return fail(ErrorKind::Invalid,
                address.to_string() + " is not in the pool " + pool.network().to_string());
  }
  // Host bits above the 64 low ones must be those of the network.
  const auto base = pool.network().address;
  const bool near = std::equal(base.bytes.begin(), base.bytes.begin() + 8, address.bytes.begin());
  const auto ordinal = low_bits(address) - low_bits(base);
  if (!near || ordinal >= pool_bits(pool)) {
    return fail(ErrorKind::Invalid, address.to_string() +
                                        " lies beyond the first 2^64 addresses of the pool " +
                                        pool.network().to_string() + ", which can be given out");
  }
  return ordinal;
}

IpAddress address_at(const IpPrefix& pool, std::uint64_t ordinal) {
  auto address = pool.network().address;
  const auto low = low_bits(address) + ordinal;
  for (std::size_t i = 0; i < 8; ++i) {
    address.bytes.at(15 - i) = static_cast<std::uint8_t>(low >> (8 * i));
  }
  return address;
}

Result<FreeAddress> find_address(KvStore& store, const Keys& keys, const std::string& pool_id,
                                 const std::optional<IpAddress>& wanted) {
  const auto id = parse_pool_id(pool_id);
  if (!id) {
    return fail(id.error());
  }
  const auto first = ordinal_of(id->pool, wanted.value_or(id->range.network().address));
  if (!first) {
    return fail(first.error());
  }
  const auto last = wanted ? *first : *first + (pool_bits(id->range) - 1);
  const auto key = keys.addresses(pool_id);
  const auto pair = store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  auto named = read_addresses(key, *pair);
  if (!named) {
    return fail(named.error());
  }
  const auto ordinal = named->bits.first_free(*first, last);
  if (!ordinal && wanted) {
    return fail(ErrorKind::Conflict,
                wanted->to_string() + " is taken in the pool " + id->pool.to_string());
  }
  if (!ordinal) {
    return fail(ErrorKind::Exhausted,
                "every address of the pool " + id->range.to_string() + " is taken");
  }
  named->bits.set(*ordinal);
  return FreeAddress{.address = {address_at(id->pool, *ordinal), id->pool.length},
                     .index = (*pair)->index,
                     .bits = encode_bits(*named)};
}

Result<IpPrefix> take_address(KvStore& store, const Keys& keys, const std::string& pool_id,
                              const std::optional<IpAddress>& wanted) {
  const auto key = keys.addresses(pool_id);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto free = find_address(store, keys, pool_id, wanted);
    if (!free) {
      return fail(free.error());
    }
    const auto written = store.put(key, free->bits, free->index);
    if (!written) {
      return fail(written.error());
    }
    if (*written) {
      return free->address;
    }
    back_off(tries);
  }
  return fail(too_many_tries(key));
}

Result<void> release_address(KvStore& store, const Keys& keys, const std::string& pool_id,
                             const IpAddress& address) {
  const auto id = parse_pool_id(pool_id);
  if (!id) {
    return fail(id.error());
  }
  const auto ordinal = ordinal_of(id->pool, address);
  if (!ordinal) {
    return fail(ordinal.error());
  }
  const auto key = keys.addresses(pool_id);
  return update(store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
    if (!pair) {
      return std::optional<std::string>();
    }
    auto named = decode_bits(key, pair->value);
    if (!named) {
      return fail(named.error());
    }
    if (!named->bits.clear(*ordinal)) {
      return std::optional<std::string>();
    }
    return std::optional(encode_bits(*named));
  });
}

}  // namespace vtepd::registry
