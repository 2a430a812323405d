// SPDX-License-Identifier: GPL-2.0-only
#include "registry/give_back.h"

#include "registry/address_allocator.h"
#include "registry/ipam_codec.h"

#include <algorithm>
#include <thread>

namespace vtepd::registry {

namespace {

// For a thing whose key has changed since it was noted.
Result<bool> was_done(const Context& context, const GiveBack& what, const KvPair& seen) {
  auto done = what.looks_done(seen);
  if (!done || *done) {
    return done;
  }
  std::this_thread::sleep_for(context.options.settle);
  return what.looks_done(seen);
}

}  // namespace

// A write of the process that died may still be on its way, so an unchanged index is looked at
// twice. Two dead processes that meant the same address leave two records of it; the later one to
// be removed clears the bit.
Result<bool> was_taken(const Context& context, const GiveBack& what, std::uint64_t index) {
  auto pair = context.store.get(what.key);
  if (pair && *pair && (*pair)->index == index) {
    std::this_thread::sleep_for(context.options.settle);
    pair = context.store.get(what.key);
  }
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair || (*pair)->index == index) {
    return false;
  }
  const auto done = was_done(context, what, **pair);
  return done ? Result<bool>(!*done) : fail(done.error());
}

Result<void> give_back(const Context& context, const GiveBack& what,
                       std::optional<std::uint64_t>& noted, bool resumed) {
  bool open = resumed;  // not so what this run noted itself
  for (int tries = 0; tries < kMaxTries && noted; ++tries) {
    const auto pair = context.store.get(what.key);
    if (!pair) {
      return fail(pair.error());
    }
    if (!*pair) {
      noted.reset();  // the pool itself is gone
      return {};
    }
    if (open && (*pair)->index != *noted) {
      const auto done = was_done(context, what, **pair);
      if (!done) {
        return fail(done.error());
      }
      if (*done) {
        noted.reset();
        return {};
      }
    }
    const auto value = what.reduced(**pair);
    if (!value) {
      return fail(value.error());
    }
    if (!*value) {
      noted.reset();
      return {};
    }
    if ((*pair)->index != *noted) {
      noted = (*pair)->index;
      if (auto written = what.note(); !written) {
        return written;
      }
      open = false;
    }
    const auto written = context.store.put(what.key, **value, *noted);
    if (!written) {
      return fail(written.error());
    }
    if (*written) {
      noted.reset();
      return {};
    }
    back_off(tries);
  }
  return noted ? fail(too_many_tries(what.key)) : Result<void>();
}

Result<std::optional<std::string>> without_address(const KvPair& pair, const std::string& pool_id,
                                                   const IpAddress& address) {
  auto named = decode_bits(pair.key, pair.value);
  const auto id = parse_pool_id(pool_id);
  if (!named || !id) {
    return fail(!named ? named.error() : id.error());
  }
  const auto ordinal = ordinal_of(id->pool, address);
  if (!ordinal) {
    return fail(ordinal.error());
  }
  return named->bits.clear(*ordinal) ? std::optional(encode_bits(*named)) : std::nullopt;
}

Result<bool> others_have(const Context& context, const std::string& network_id,
                         const IpAddress& address, const std::string& except_id) {
  const auto endpoints = read_endpoints(context, network_id);
  if (!endpoints) {
    return fail(endpoints.error());
  }
  return std::any_of(endpoints->begin(), endpoints->end(), [&](const Endpoint& other) {
    const auto has = [&](const auto& own) { return own && own->address == address; };
    return other.id != except_id && (has(other.address4) || has(other.address6));
  });
}

}  // namespace vtepd::registry
