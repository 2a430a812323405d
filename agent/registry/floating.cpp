// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_allocator.h"
#include "registry/endpoint_codec.h"
#include "registry/give_back.h"
#include "registry/operations.h"
#include "registry/own_codec.h"

#include <algorithm>
#include <chrono>
#include <thread>

// Floating addresses: one key each, which says who has the address. Whoever takes it writes the key
// by compare-and-set, so an address has one holder at any time. The key keeps the address's bit in
// the pool set, unless it is the bit of an endpoint that has the address as its own; that endpoint
// hands its bit over when it goes (remove_endpoint.cpp).

namespace vtepd::registry {

namespace {

// How long an endpoint that is being removed is waited for.
constexpr std::chrono::seconds kRemoval{5};
constexpr std::chrono::milliseconds kPoll{20};

struct Stored {
  FloatingRecord record;
  std::uint64_t index = 0;
};

Result<std::optional<Stored>> read(const Context& context, const std::string& network_id,
                                   const IpAddress& address) {
  const auto key = context.keys.floating(network_id, address);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return std::optional<Stored>();
  }
  auto record = decode_floating(key, network_id, address.to_string(), (*pair)->value);
  if (!record) {
    return fail(record.error());
  }
  return std::optional(Stored{std::move(*record), (*pair)->index});
}

Result<bool> write(const Context& context, const FloatingRecord& record, std::uint64_t expected) {
  const auto key = context.keys.floating(record.floating.network_id, record.floating.address);
  return context.store.put(key, encode_floating(record), expected);
}

// Ends what a holder began that lets go: clears the bit, then the key goes.
Result<void> finish_letting_go(const Context& context, Stored stored) {
  auto& record = stored.record;
  const auto& floating = record.floating;
  const auto key = context.keys.floating(floating.network_id, floating.address);
  const GiveBack bit{.key = context.keys.addresses(record.pool_id),
                     .reduced =
                         [&](const KvPair& pair) {
                           return without_address(pair, record.pool_id, floating.address);
                         },
                     .looks_done = [&](const KvPair& pair) -> Result<bool> {
                       const auto rest = without_address(pair, record.pool_id, floating.address);
                       if (!rest || !*rest) {
                         return rest ? Result<bool>(true) : fail(rest.error());
                       }
                       return others_have(context, floating.network_id, floating.address, "");
                     },
                     .note = [&]() -> Result<void> {
                       const auto written = write(context, record, stored.index);
                       if (!written) {
                         return fail(written.error());
                       }
                       const auto now = context.store.get(key);
                       if (!now) {
                         return fail(now.error());
                       }
                       if (!*written || !*now || (*now)->value != encode_floating(record)) {
                         return fail(ErrorKind::Conflict, "'" + key + "' was changed by another");
                       }
                       stored.index = (*now)->index;
                       return {};
                     }};
  if (auto done = give_back(context, bit, record.leaving, true); !done) {
    return done;
  }
  const auto erased = context.store.erase(key, stored.index);
  return erased ? Result<void>() : fail(erased.error());
}

// The pool that gives the address out; none for one outside the pools, or for a gateway, whose bit
// is the network's own. Invalid for what no endpoint may have.
Result<std::string> pool_of(const Context& context, const FloatingAddress& wanted) {
  const auto network = read_network(context, wanted.network_id);
  if (!network) {
    return fail(network.error());
  }
  const auto& address = wanted.address;
  if (address.is_multicast() || address.is_unspecified()) {
    return fail(ErrorKind::Invalid, address.to_string() + " is not an address of one interface");
  }
  for (const auto* pools : {&network->record.v4, &network->record.v6}) {
    for (const auto& pool : *pools) {
      if (!pool.pool.contains(address)) {
        continue;
      }
      if (pool.gateway && pool.gateway->address == address) {
        return std::string();
      }
      const auto ordinal = ordinal_of(pool.pool, address);
      if (!ordinal) {
        return fail(ordinal.error());
      }
      const bool last = address.is_v4() && *ordinal == pool_bits(pool.pool) - 1;
      if (*ordinal == 0 || last) {
        return fail(ErrorKind::Invalid, address.to_string() + " is the " +
                                            (last ? "broadcast" : "network") +
                                            " address of the pool " + pool.pool.to_string());
      }
      return pool.pool_id;
    }
  }
  return std::string();
}

enum class Owner { None, Has, Leaves };

// Whether the endpoint has the address as its own.
Result<Owner> owner_state(const Context& context, const FloatingAddress& wanted,
                          const std::optional<std::string>& endpoint_id) {
  if (!endpoint_id) {
    return Owner::None;
  }
  const auto key = context.keys.endpoint(wanted.network_id, *endpoint_id);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return Owner::None;
  }
  const auto endpoint = decode_endpoint(key, wanted.network_id, *endpoint_id, (*pair)->value);
  const auto leaving = endpoint_leaving(key, (*pair)->value);
  if (!endpoint || !leaving) {
    return fail(!endpoint ? endpoint.error() : leaving.error());
  }
  const auto has = [&](const auto& own) { return own && own->address == wanted.address; };
  if (!has(endpoint->address4) && !has(endpoint->address6)) {
    return Owner::None;
  }
  return *leaving ? Owner::Leaves : Owner::Has;
}

// Once the endpoint is gone: its bit was handed over to the key, or is taken now.
Result<void> secure_bit(const Context& context, const FloatingAddress& held,
                        const std::string& pool_id, const std::optional<std::string>& own_of) {
  const auto deadline = std::chrono::steady_clock::now() + kRemoval;
  for (auto state = owner_state(context, held, own_of); state && *state != Owner::None;
       state = owner_state(context, held, own_of)) {
    if (*state == Owner::Has || std::chrono::steady_clock::now() > deadline) {
      return {};
    }
    std::this_thread::sleep_for(kPoll);
  }
  const auto stored = read(context, held.network_id, held.address);
  if (!stored) {
    return fail(stored.error());
  }
  if (!*stored || !(*stored)->record.pool_id.empty() || (*stored)->record.floating != held) {
    return {};
  }
  if (auto taken = take_address(context.store, context.keys, pool_id, held.address); !taken) {
    return fail(taken.error());
  }
  auto record = (*stored)->record;
  record.pool_id = pool_id;
  const auto written = write(context, record, (*stored)->index);
  if (written && *written) {
    return {};
  }
  static_cast<void>(release_address(context.store, context.keys, pool_id, held.address));
  return written ? Result<void>() : fail(written.error());
}

// One try. False: somebody else was faster.
Result<bool> try_hold(const Context& context, FloatingAddress& wanted, const std::string& pool_id,
                      const std::optional<std::string>& own_of) {
  auto stored = read(context, wanted.network_id, wanted.address);
  if (!stored) {
    return fail(stored.error());
  }
  if (*stored && (*stored)->record.leaving) {
    if (auto done = finish_letting_go(context, std::move(**stored)); !done) {
      return done.error().kind == ErrorKind::Conflict ? Result<bool>(false) : fail(done.error());
    }
    return false;
  }
  FloatingRecord record{.floating = wanted, .pool_id = {}, .leaving = {}};
  if (*stored) {
    const auto& held = (*stored)->record;
    if (held.floating.endpoint_id == wanted.endpoint_id && held.floating.mac == wanted.mac) {
      wanted = held.floating;
      return true;
    }
    record.pool_id = held.pool_id;
    record.floating.generation = std::max(held.floating.generation, wanted.generation);
  }
  ++record.floating.generation;
  Undo undo;
  const auto owner = owner_state(context, wanted, own_of);
  if (!owner) {
    return fail(owner.error());
  }
  if (!*stored && !pool_id.empty() && *owner == Owner::None) {
    auto taken = take_address(context.store, context.keys, pool_id, wanted.address);
    if (!taken) {
      return fail(taken.error());
    }
    undo.push([&context, &pool_id, address = wanted.address] {
      static_cast<void>(release_address(context.store, context.keys, pool_id, address));
    });
    record.pool_id = pool_id;
  }
  const auto written = write(context, record, *stored ? (*stored)->index : 0);
  if (!written || !*written) {
    return written;
  }
  undo.commit();
  wanted = record.floating;
  return true;
}

// The address goes back to the endpoint whose own it is.
Result<void> give_back_to_owner(const Context& context, const FloatingAddress& wanted) {
  return erase_key(context.store, context.keys.floating(wanted.network_id, wanted.address));
}

}  // namespace

Result<std::optional<FloatingAddress>> hold_address(const Context& context,
                                                    const FloatingAddress& wanted,
                                                    const std::optional<std::string>& own_of) {
  const auto pool_id = pool_of(context, wanted);
  if (!pool_id) {
    return fail(pool_id.error());
  }
  if (own_of == wanted.endpoint_id && !wanted.mac) {
    auto done = give_back_to_owner(context, wanted);
    return done ? Result<std::optional<FloatingAddress>>(std::nullopt) : fail(done.error());
  }
  auto held = wanted;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto done = try_hold(context, held, *pool_id, own_of);
    if (!done) {
      return fail(done.error().context("address " + wanted.address.to_string()));
    }
    if (*done) {
      // The owner may have begun to leave before it could see the key.
      if (!pool_id->empty() && own_of) {
        if (auto secured = secure_bit(context, held, *pool_id, own_of); !secured) {
          return fail(secured.error());
        }
      }
      return std::optional(held);
    }
    back_off(tries);
  }
  return fail(too_many_tries(context.keys.floating(wanted.network_id, wanted.address)));
}

Result<bool> let_go(const Context& context, const std::string& network_id,
                    const std::string& endpoint_id, const IpAddress& address) {
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto stored = read(context, network_id, address);
    if (!stored) {
      return fail(stored.error());
    }
    if (!*stored || (*stored)->record.floating.endpoint_id != endpoint_id) {
      return false;
    }
    auto& record = (*stored)->record;
    if (record.pool_id.empty()) {
      const auto erased =
          context.store.erase(context.keys.floating(network_id, address), (*stored)->index);
      if (!erased || *erased) {
        return erased;
      }
    } else if (record.leaving) {
      auto done = finish_letting_go(context, std::move(**stored));
      if (done || done.error().kind != ErrorKind::Conflict) {
        return done ? Result<bool>(true) : fail(done.error());
      }
    } else {
      const auto pool = context.store.get(context.keys.addresses(record.pool_id));
      if (!pool) {
        return fail(pool.error());
      }
      record.leaving = *pool ? (*pool)->index : 0;
      if (const auto written = write(context, record, (*stored)->index); !written) {
        return fail(written.error());
      }
      continue;  // and finish what is noted now
    }
    back_off(tries);
  }
  return fail(too_many_tries(context.keys.floating(network_id, address)));
}

Result<void> let_go_all(const Context& context, const Endpoint& endpoint) {
  const auto pairs = context.store.list(context.keys.floatings(endpoint.network_id));
  if (!pairs) {
    return fail(pairs.error());
  }
  for (const auto& pair : *pairs) {
    const auto parsed = context.keys.parse(pair.key);
    const auto address = IpAddress::parse(parsed.address);
    if (parsed.kind != Keys::Parsed::Kind::Floating || !address) {
      continue;
    }
    if (const auto gone = let_go(context, endpoint.network_id, endpoint.id, *address);
        !gone && gone.error().kind != ErrorKind::Invalid) {
      return fail(gone.error());
    }
  }
  return {};
}

}  // namespace vtepd::registry
