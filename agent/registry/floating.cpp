// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_allocator.h"
#include "registry/endpoint_codec.h"
#include "registry/floating_key.h"
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
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto stored = read_floating(context, held.network_id, held.address);
    if (!stored) {
      return fail(stored.error());
    }
    if (!*stored || !(*stored)->record.pool_id.empty() || (*stored)->record.floating != held) {
      return {};
    }
    const auto taken = take_bit(context, (*stored)->record, (*stored)->index, pool_id);
    if (!taken || *taken) {
      return taken ? Result<void>() : fail(taken.error());
    }
    back_off(tries);
  }
  return fail(too_many_tries(context.keys.floating(held.network_id, held.address)));
}

// Ends what another began with the key, if anything. True if so: look again.
Result<bool> finished(const Context& context, const std::optional<StoredFloating>& stored) {
  if (!stored || !(stored->record.leaving || stored->record.taking)) {
    return false;
  }
  auto done =
      stored->record.taking ? finish_taking(context, *stored) : finish_letting_go(context, *stored);
  return done || done.error().kind == ErrorKind::Conflict ? Result<bool>(true) : fail(done.error());
}

// One try. False: somebody else was faster.
Result<bool> try_hold(const Context& context, FloatingAddress& wanted, const std::string& pool_id,
                      const std::optional<std::string>& own_of) {
  const auto stored = read_floating(context, wanted.network_id, wanted.address);
  if (!stored) {
    return fail(stored.error());
  }
  if (const auto open = finished(context, *stored); !open || *open) {
    return open ? Result<bool>(false) : open;
  }
  FloatingRecord record;
  record.floating = wanted;
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
  const auto owner = owner_state(context, wanted, own_of);
  if (!owner) {
    return fail(owner.error());
  }
  const bool needs_bit = !*stored && !pool_id.empty() && *owner == Owner::None;
  record.in_force = !needs_bit;
  const auto written = needs_bit ? take_bit(context, record, 0, pool_id)
                                 : write_floating(context, record, *stored ? (*stored)->index : 0);
  if (written && *written) {
    wanted = record.floating;
  }
  return written;
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
    auto stored = read_floating(context, network_id, address);
    if (!stored) {
      return fail(stored.error());
    }
    if (!*stored || (*stored)->record.floating.endpoint_id != endpoint_id) {
      return false;
    }
    if ((*stored)->record.taking) {
      if (auto done = finish_taking(context, std::move(**stored)); !done) {
        return fail(done.error());
      }
      continue;
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
      if (const auto written = write_floating(context, record, (*stored)->index); !written) {
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
    const auto address = floating_address_of(context.keys, pair.key);
    if (!address) {
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
