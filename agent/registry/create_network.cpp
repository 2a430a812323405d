// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_allocator.h"
#include "registry/ipam_codec.h"
#include "registry/operations.h"
#include "registry/own_codec.h"
#include "registry/vni_allocator.h"

#include <algorithm>

namespace vtepd::registry {

namespace {

constexpr std::size_t kNameMax = 255;
constexpr std::uint32_t kLeastMtu = 68;     // RFC 791
constexpr std::uint32_t kLeastMtu6 = 1280;  // RFC 8200
constexpr std::uint32_t kLargestMtu = 65535 - kOverhead4;

struct Plan {
  IpPrefix v4;
  std::optional<IpPrefix> v6;
  NetworkDocument document;
  Network network;
};

Failure invalid(std::string what) {
  return fail(ErrorKind::Invalid, std::move(what));
}

Result<void> check_name(const std::string& name, const char* what) {
  const bool bad = std::any_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '/';
  });
  if (name.empty() || name.size() > kNameMax || bad) {
    return invalid(std::string(what) + " '" + name.substr(0, kNameMax) +
                   "' must have 1 to 255 bytes without '/' and control characters");
  }
  return {};
}

Result<void> check_pool(const IpPrefix& pool) {
  const unsigned longest = pool.is_v4() ? 30 : 126;
  if (pool.length < 8 || pool.length > longest) {
    return invalid("the pool " + pool.to_string() + " must have a length of 8 to " +
                   std::to_string(longest));
  }
  if (pool.address.is_multicast() || pool.address.is_unspecified()) {
    return invalid("the pool " + pool.to_string() + " holds no addresses that endpoints can have");
  }
  return {};
}

Result<void> check_mtu(const NetworkSpec& spec, bool has_v6) {
  const auto least = has_v6 ? kLeastMtu6 : kLeastMtu;
  if (spec.container_mtu == 0 ||
      (spec.container_mtu >= least && spec.container_mtu <= kLargestMtu)) {
    return {};
  }
  return invalid("the MTU " + std::to_string(spec.container_mtu) + " must be " +
                 std::to_string(least) + " to " + std::to_string(kLargestMtu) +
                 (has_v6 ? " on a network with IPv6" : ""));
}

// Docker takes the first address, too, when none is named.
PoolRecord pool_record(const std::string& address_space, const IpPrefix& pool) {
  return {pool_id_of(address_space, pool), pool, IpPrefix{address_at(pool, 1), pool.length}};
}

Result<Plan> plan_of(const Context& context, const NetworkSpec& spec) {
  std::vector<IpPrefix> v4;
  std::vector<IpPrefix> v6;
  for (const auto& subnet : spec.subnets) {
    if (auto fine = check_pool(subnet); !fine) {
      return fail(fine.error());
    }
    (subnet.is_v4() ? v4 : v6).push_back(subnet.network());
  }
  if (v4.size() != 1 || v6.size() > 1) {
    return invalid("a network needs exactly one IPv4 subnet and may have one IPv6 subnet; " +
                   std::to_string(v4.size()) + " and " + std::to_string(v6.size()) + " are given");
  }
  for (const auto& checked :
       {check_name(spec.name, "the network's name"),
        check_name(spec.address_space, "the address space"), check_mtu(spec, !v6.empty())}) {
    if (!checked) {
      return fail(checked.error());
    }
  }
  Plan plan;
  plan.v4 = v4.front();
  auto& document = plan.document;
  document.id = context.options.make_id();
  document.name = spec.name;
  document.created = context.options.timestamp();
  document.address_space = spec.address_space;
  document.v4 = pool_record(spec.address_space, plan.v4);
  if (!v6.empty()) {
    plan.v6 = v6.front();
    document.v6 = pool_record(spec.address_space, v6.front());
  }
  document.underlay_mtu = spec.container_mtu == 0 ? 0 : spec.container_mtu + kOverhead4;
  document.vni = spec.vni.value_or(Vni{});
  return plan;
}

Failure name_taken(const NetworkRecord& other) {
  return fail(ErrorKind::Conflict,
              "a network '" + other.name + "' exists already (" + other.id.substr(0, 12) +
                  (other.in_delete ? "); its removal was begun: remove it again" : ")"));
}

Failure overlap(const IpPrefix& pool, const std::string& other, const std::string& holder) {
  return fail(ErrorKind::Conflict, "the pool " + pool.to_string() + " overlaps " + other + " of " +
                                       holder + "; another --address-space may use it again");
}

// Also against networks whose removal was begun: their pools are given back once only because no
// new network gets one before the old one is gone.
Result<void> check_networks(const std::vector<StoredNetwork>& networks, const Plan& plan) {
  for (const auto& [record, index] : networks) {
    if (record.name == plan.document.name) {
      return name_taken(record);
    }
    for (const auto* pools : {&record.v4, &record.v6}) {
      for (const auto& other : *pools) {
        const auto id = parse_pool_id(other.pool_id);
        if (!id || id->address_space != plan.document.address_space) {
          continue;
        }
        const bool v6 = plan.v6 && plan.v6->overlaps(id->pool);
        if (v6 || plan.v4.overlaps(id->pool)) {
          return overlap(v6 ? *plan.v6 : plan.v4, id->pool.to_string(),
                         "network '" + record.name + "' (" + record.id.substr(0, 12) + ")");
        }
      }
    }
  }
  return {};
}

// The one key in which all pools of the address space meet: here a race for a pool is decided.
Result<void> take_pools(const Context& context, const Plan& plan, Undo& undo) {
  const auto key = context.keys.pools(plan.document.address_space);
  std::vector<const PoolRecord*> pools{&plan.document.v4};
  if (plan.document.v6) {
    pools.push_back(&*plan.document.v6);
  }
  auto done =
      update(context.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
        auto value = pair && !pair->value.empty() ? pair->value : empty_pools();
        const auto taken = pool_ids(key, value);
        if (!taken) {
          return fail(taken.error());
        }
        for (const auto& id : *taken) {
          const auto other = parse_pool_id(id);
          for (const auto* pool : pools) {
            if (other && other->pool.overlaps(pool->pool)) {
              return overlap(
                  pool->pool, other->pool.to_string(),
                  "no network that is stored: one is being made, or was left unfinished");
            }
          }
        }
        for (const auto* pool : pools) {
          auto more = with_pool(key, value, pool->pool_id, pool->pool);
          if (!more) {
            return fail(more.error());
          }
          value = std::move(*more);
        }
        return std::optional(value);
      });
  if (!done) {
    return done;
  }
  for (const auto* pool : pools) {
    undo.push([&context, key, id = pool->pool_id] {
      static_cast<void>(
          update(context.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
            auto rest = without_pool(key, pair ? pair->value : empty_pools(), id);
            if (!rest) {
              return fail(rest.error());
            }
            return rest->changed ? std::optional(rest->value) : std::nullopt;
          }));
    });
  }
  return {};
}

// Replaces what an interrupted removal may have left: nobody but the pool's owner is here.
Result<void> write_addresses(const Context& context, const PoolRecord& pool, Undo& undo) {
  NamedBits named{pool.pool_id, fresh_pool(pool.pool)};
  const auto gateway = ordinal_of(pool.pool, pool.gateway->address);
  if (!gateway) {
    return fail(gateway.error());
  }
  named.bits.set(*gateway);
  const auto key = context.keys.addresses(pool.pool_id);
  const auto value = encode_bits(named);
  undo.push([&context, key] { static_cast<void>(erase_key(context.store, key)); });
  return update(context.store, key, [&](const auto&) -> Result<std::optional<std::string>> {
    return std::optional(value);
  });
}

Result<void> write_key(const Context& context, const std::string& key, const std::string& value,
                       Undo& undo) {
  auto written = create_key(context.store, key, value);
  if (written || written.error().kind != ErrorKind::Conflict) {
    // Also when the answer was lost: the id is ours alone, so whatever is there is ours.
    undo.push([&context, key] { static_cast<void>(erase_key(context.store, key)); });
  }
  return written;
}

// Two made at once see each other here, and both see the same order: the later one loses.
Result<void> check_race(const Context& context, const Plan& plan) {
  const auto networks = read_networks(context);
  if (!networks) {
    return fail(networks.error());
  }
  std::uint64_t own = 0;
  for (const auto& [record, index] : *networks) {
    own = record.id == plan.document.id ? index : own;
  }
  for (const auto& [record, index] : *networks) {
    if (record.name == plan.document.name && index < own) {
      return name_taken(record);
    }
  }
  const auto vni = plan.network.subnets.front().vni;
  if (vni.value >= kFirstVni) {
    return {};  // its bit was taken, which only one can
  }
  for (const auto& [record, index] : *networks) {
    const auto pair = context.store.get(context.keys.overlay(record.id));
    if (!pair) {
      return fail(pair.error());
    }
    const auto other = *pair ? decode_overlay((*pair)->key, (*pair)->value)
                             : Result<OverlayRecord>(OverlayRecord{});
    for (const auto& subnet : other ? other->subnets : std::vector<Subnet>()) {
      if (subnet.vni == vni && index < own) {
        return fail(ErrorKind::Conflict, "VNI " + std::to_string(vni.value) +
                                             " is taken by network '" + record.name + "' (" +
                                             record.id.substr(0, 12) + ")");
      }
    }
  }
  return {};
}

Result<Vni> take_network_vni(const Context& context, const NetworkSpec& spec, Undo& undo) {
  auto vni = take_vni(context.store, context.keys, spec.vni);
  if (vni) {
    undo.push([&context, taken = *vni] {
      static_cast<void>(release_vni(context.store, context.keys, taken));
    });
  }
  return vni;
}

Result<void> write_network(const Context& context, const NetworkSpec& spec, Plan& plan,
                           Undo& undo) {
  auto done = take_pools(context, plan, undo);
  if (done) {
    done = write_addresses(context, plan.document.v4, undo);
  }
  if (done && plan.document.v6) {
    done = write_addresses(context, *plan.document.v6, undo);
  }
  if (!done) {
    return done;
  }
  const auto vni = take_network_vni(context, spec, undo);
  if (!vni) {
    return fail(vni.error());
  }
  const auto& document = plan.document;
  const OverlayRecord overlay{
      document.underlay_mtu, false, {Subnet{plan.v4, *document.v4.gateway, *vni}}};
  plan.network = Network{
      document.id,           document.name, document.address_space, overlay.subnets, plan.v6,
      document.underlay_mtu, false};
  const auto& keys = context.keys;
  const auto& id = document.id;
  done = write_key(context, keys.overlay(id), encode_overlay(overlay), undo);
  if (done) {
    done = write_key(context, keys.endpoint_count(id), encode_count(0), undo);
  }
  if (done) {
    done = write_key(context, keys.network(id), encode_network(document), undo);
  }
  return done ? check_race(context, plan) : done;
}

}  // namespace

Result<Network> create_network(const Context& context, const NetworkSpec& spec) {
  auto plan = plan_of(context, spec);
  if (!plan) {
    return fail(plan.error());
  }
  const auto networks = read_networks(context);
  if (!networks) {
    return fail(networks.error());
  }
  if (auto fine = check_networks(*networks, *plan); !fine) {
    return fail(fine.error());
  }
  if (auto marked = write_marker(context); !marked) {
    return fail(marked.error());
  }
  Undo undo;
  if (auto written = write_network(context, spec, *plan, undo); !written) {
    return fail(written.error());
  }
  undo.commit();
  return plan->network;
}

}  // namespace vtepd::registry
