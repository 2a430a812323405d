// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"
#include "registry/ipam_codec.h"
#include "registry/operations.h"
#include "registry/own_codec.h"
#include "registry/vni_allocator.h"

#include <algorithm>

// Docker's order: inDelete, pools, VNI and overlay key, count, network key. May break off anywhere
// and be begun again: the network's key goes last, and as long as it is there no vtepd gives its
// pools to another network, and as long as the overlay key is there no vtepd gives out its VNI. A
// dockerd might; so a pool or VNI that another network names by now is not given back.

namespace vtepd::registry {

namespace {

constexpr std::size_t kNamesShown = 5;

Result<void> require_unused(const Context& context, const NetworkRecord& network) {
  if (context.options.with_docker) {
    const auto made = context.store.put(context.keys.endpoints(network.id), "", 0);
    if (!made) {
      return fail(made.error());
    }
  }
  const auto endpoints = context.store.list(context.keys.endpoints(network.id));
  if (!endpoints) {
    return fail(endpoints.error());
  }
  std::size_t used = 0;
  std::string names;
  for (const auto& pair : *endpoints) {
    const auto parsed = context.keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Endpoint) {
      continue;
    }
    const auto endpoint = decode_endpoint(pair.key, network.id, parsed.endpoint_id, pair.value);
    if (++used <= kNamesShown) {
      names += (names.empty() ? ": " : ", ");
      names += endpoint ? endpoint->name + " on " + endpoint->vtep.to_string()
                        : std::string(parsed.endpoint_id);
    }
  }
  if (used > 0) {
    return fail(ErrorKind::Conflict, "network '" + network.name + "' has " + std::to_string(used) +
                                         " endpoints" + names + (used > kNamesShown ? ", …" : ""));
  }
  const auto key = context.keys.endpoint_count(network.id);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  const auto count = *pair ? decode_count(key, (*pair)->value) : Result<std::uint64_t>(0);
  if (!count) {
    return fail(count.error());
  }
  if (*count > 0) {
    return fail(ErrorKind::Conflict,
                "network '" + network.name + "' has " + std::to_string(*count) + " endpoints by '" +
                    key +
                    "', though none is stored: a host is attaching or "
                    "died while it did; if none is, write {\"Count\":0} there");
  }
  return {};
}

Result<void> set_in_delete(const Context& context, const std::string& id, bool in_delete) {
  const auto key = context.keys.network(id);
  return update(context.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
    if (!pair) {
      return fail(ErrorKind::NotFound, "network " + id.substr(0, 12) + " is not in the store");
    }
    auto value = with_in_delete(key, pair->value, in_delete);
    if (!value) {
      return fail(value.error());
    }
    return std::optional(std::move(*value));
  });
}

bool names_pool(const NetworkRecord& network, const std::string& pool_id) {
  const auto same = [&](const PoolRecord& pool) { return pool.pool_id == pool_id; };
  return std::any_of(network.v4.begin(), network.v4.end(), same) ||
         std::any_of(network.v6.begin(), network.v6.end(), same);
}

Result<void> release_pool(const Context& context, const std::string& pool_id) {
  const auto id = parse_pool_id(pool_id);
  if (!id) {
    return fail(id.error());
  }
  const auto key = context.keys.pools(id->address_space);
  bool last = false;
  auto done =
      update(context.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
        if (!pair || pair->value.empty()) {
          return std::optional<std::string>();
        }
        auto rest = without_pool(key, pair->value, pool_id);
        if (!rest) {
          return fail(rest.error());
        }
        // Not there: given back before a crash, maybe not so its addresses.
        const bool part = id->range != id->pool;
        last = rest->last_user || (!rest->changed && !part);
        return rest->changed ? std::optional(rest->value) : std::nullopt;
      });
  return done && last ? erase_key(context.store, context.keys.addresses(pool_id)) : done;
}

Result<void> release_pools(const Context& context, const NetworkRecord& network) {
  const auto networks = read_networks(context);
  if (!networks) {
    return fail(networks.error());
  }
  for (const auto* pools : {&network.v4, &network.v6}) {
    for (const auto& pool : *pools) {
      const bool elsewhere =
          std::any_of(networks->begin(), networks->end(), [&](const StoredNetwork& other) {
            return other.record.id != network.id && names_pool(other.record, pool.pool_id);
          });
      if (elsewhere) {
        continue;
      }
      if (auto released = release_pool(context, pool.pool_id); !released) {
        return released;
      }
    }
  }
  return {};
}

Result<void> release_overlay(const Context& context, const std::string& id) {
  const auto key = context.keys.overlay(id);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return {};
  }
  const auto overlay = decode_overlay(key, (*pair)->value);
  for (const auto& subnet : overlay ? overlay->subnets : std::vector<Subnet>()) {
    const auto holders = vni_holders(context.store, context.keys, id);
    if (!holders) {
      return fail(holders.error());
    }
    if (subnet.vni.value == 0 || holders->contains(subnet.vni.value)) {
      continue;
    }
    if (auto released = release_vni(context.store, context.keys, subnet.vni); !released) {
      return released;
    }
  }
  return erase_key(context.store, key);
}

// Left by hosts that are gone; their bits go with the pools.
Result<void> forget_floating(const Context& context, const std::string& id) {
  const auto pairs = context.store.list(context.keys.floatings(id));
  if (!pairs) {
    return fail(pairs.error());
  }
  for (const auto& pair : *pairs) {
    if (auto erased = erase_key(context.store, pair.key); !erased) {
      return erased;
    }
  }
  return {};
}

}  // namespace

Result<void> remove_network(const Context& context, const std::string& network_id) {
  const auto stored = read_network(context, network_id);
  if (!stored) {
    return fail(stored.error());
  }
  const auto& network = stored->record;
  if (!network.is_overlay()) {
    return fail(ErrorKind::Invalid,
                "network '" + network.name + "' is of the driver '" + network.type + "', not ours");
  }
  if (!network.in_delete) {
    if (auto unused = require_unused(context, network); !unused) {
      return unused;
    }
    if (auto marked = set_in_delete(context, network_id, true); !marked) {
      return marked;
    }
  }
  // Once more: whoever makes an endpoint looks for inDelete after having written it.
  if (auto unused = require_unused(context, network); !unused) {
    static_cast<void>(set_in_delete(context, network_id, false));
    return unused;
  }
  auto done = forget_floating(context, network_id);
  if (done) {
    done = release_pools(context, network);
  }
  if (done) {
    done = release_overlay(context, network_id);
  }
  for (const auto& key :
       {context.keys.endpoint_count(network_id), context.keys.network(network_id)}) {
    if (done) {
      done = erase_key(context.store, key);
    }
  }
  return done;
}

}  // namespace vtepd::registry
