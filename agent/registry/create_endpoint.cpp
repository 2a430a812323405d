// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_allocator.h"
#include "registry/endpoint_claim.h"
#include "registry/endpoint_codec.h"
#include "registry/operations.h"
#include "registry/own_codec.h"

#include <algorithm>

namespace vtepd::registry {

namespace {

constexpr std::size_t kShortId = 12;

Failure invalid(std::string what) {
  return fail(ErrorKind::Invalid, std::move(what));
}

// The id under which the pool is kept; Docker may have cut a part out of it.
std::string pool_id_in(const std::vector<PoolRecord>& pools, const std::string& address_space,
                       const IpPrefix& pool) {
  for (const auto& record : pools) {
    const auto id = parse_pool_id(record.pool_id);
    if (id && id->pool.overlaps(pool)) {
      return record.pool_id;
    }
  }
  return pool_id_of(address_space, pool);
}

Result<void> check_address4(const Subnet& subnet, const IpAddress& address) {
  const auto ordinal = ordinal_of(subnet.pool, address);
  if (!ordinal) {
    return fail(ordinal.error());
  }
  if (*ordinal == 0 || *ordinal == pool_bits(subnet.pool) - 1 ||
      address == subnet.gateway.address) {
    return invalid(address.to_string() + " is the " +
                   (*ordinal == 0                       ? "network"
                    : address == subnet.gateway.address ? "gateway"
                                                        : "broadcast") +
                   " address of the pool " + subnet.pool.to_string());
  }
  return {};
}

Result<void> check_address6(const Network& network, const NetworkRecord& record,
                            const IpAddress& address) {
  if (!network.v6_pool) {
    return invalid("network '" + network.name + "' has no IPv6 subnet for " + address.to_string());
  }
  const auto ordinal = ordinal_of(*network.v6_pool, address);
  if (!ordinal) {
    return fail(ordinal.error());
  }
  const bool gateway = std::any_of(record.v6.begin(), record.v6.end(), [&](const auto& pool) {
    return pool.gateway && pool.gateway->address == address;
  });
  if (*ordinal == 0 || gateway) {
    return invalid(address.to_string() + " is the " + (gateway ? "gateway" : "network") +
                   " address of the pool " + network.v6_pool->to_string());
  }
  return {};
}

// Where the IPv4 address may come from.
Result<std::vector<const Subnet*>> subnets_for(const Network& network, const NetworkRecord& record,
                                               const EndpointSpec& spec) {
  if (network.subnets.empty()) {
    return invalid("network '" + network.name + "' has no IPv4 subnet");
  }
  if (spec.address6) {
    if (auto fine = check_address6(network, record, *spec.address6); !fine) {
      return fail(fine.error());
    }
  }
  std::vector<const Subnet*> subnets;
  if (!spec.address4) {
    for (const auto& each : network.subnets) {
      subnets.push_back(&each);
    }
    return subnets;
  }
  const auto* subnet = spec.address4->is_v4() ? network.subnet_of(*spec.address4) : nullptr;
  if (subnet == nullptr) {
    std::string pools;
    for (const auto& each : network.subnets) {
      pools += (pools.empty() ? "" : ", ") + each.pool.to_string();
    }
    return invalid(spec.address4->to_string() + " is not in network '" + network.name + "' (" +
                   pools + ")");
  }
  if (auto fine = check_address4(*subnet, *spec.address4); !fine) {
    return fail(fine.error());
  }
  subnets.push_back(subnet);
  return subnets;
}

// Two endpoints with one MAC would share one forwarding entry.
Result<void> check_mac(const Context& context, const std::string& network_id,
                       const MacAddress& mac) {
  if (mac.is_multicast() || mac == MacAddress{}) {
    return invalid(mac.to_string() + " is not a unicast MAC address, which an endpoint needs");
  }
  const auto endpoints = read_endpoints(context, network_id);
  if (!endpoints) {
    return fail(endpoints.error());
  }
  for (const auto& other : *endpoints) {
    if (other.mac == mac) {
      return fail(ErrorKind::Conflict, "the MAC " + mac.to_string() + " is taken by endpoint '" +
                                           other.name + "' (" + other.id.substr(0, kShortId) +
                                           ") on " + other.vtep.to_string());
    }
  }
  return {};
}

// Whoever removes the network looks for endpoints after having marked it.
Result<void> check_still_there(const Context& context, const std::string& network_id) {
  const auto network = read_network(context, network_id);
  if (!network) {
    return fail(network.error());
  }
  return network->record.in_delete
             ? fail(ErrorKind::Conflict, "network '" + network->record.name + "' is being removed")
             : Result<void>();
}

// An endpoint with an address of that subnet, and everything that it takes in the store.
Result<Endpoint> claim_endpoint(const Context& context, const Network& network,
                                const NetworkRecord& record, const EndpointSpec& spec,
                                const Subnet& subnet) {
  EndpointDocument document;
  auto& endpoint = document.endpoint;
  endpoint.id = context.options.make_id();
  endpoint.network_id = network.id;
  endpoint.name = spec.name.empty() ? "ep-" + endpoint.id.substr(0, kShortId) : spec.name;
  endpoint.mac = spec.mac.value_or(MacAddress{});
  endpoint.vtep = context.options.vtep;
  endpoint.owner = context.options.owner;
  document.anonymous = spec.name.empty();
  document.interface_prefix = spec.interface_prefix;
  document.aliases = {endpoint.id.substr(0, kShortId)};
  document.pool4 = pool_id_in(record.v4, record.address_space, subnet.pool);
  EndpointClaim claim(context, network, document);
  claim.want(document.pool4, spec.address4, true);
  if (spec.address6) {
    document.pool6 = pool_id_in(record.v6, record.address_space, *network.v6_pool);
    claim.want(document.pool6, spec.address6, false);
  }
  if (!spec.mac) {
    claim.follow_address();
  }
  if (auto taken = claim.take(); !taken) {
    return fail(taken.error());
  }
  if (auto fine = check_still_there(context, network.id); !fine) {
    claim.undo();
    return fail(fine.error());
  }
  return endpoint;
}

}  // namespace

Result<Endpoint> create_endpoint(const Context& context, const Network& network,
                                 const EndpointSpec& spec) {
  const auto stored = read_network(context, network.id);
  if (!stored) {
    return fail(stored.error());
  }
  const auto& record = stored->record;
  if (record.in_delete) {
    return fail(ErrorKind::Conflict, "network '" + record.name + "' is being removed");
  }
  const auto subnets = subnets_for(network, record, spec);
  if (!subnets) {
    return fail(subnets.error());
  }
  if (spec.mac) {
    if (auto fine = check_mac(context, network.id, *spec.mac); !fine) {
      return fail(fine.error());
    }
  }
  if (auto marked = write_marker(context); !marked) {
    return fail(marked.error());
  }
  Result<Endpoint> endpoint = fail(ErrorKind::Internal, network.name);
  for (const Subnet* subnet : *subnets) {
    endpoint = claim_endpoint(context, network, record, spec, *subnet);
    // Docker goes on to the next subnet, too, when one is full.
    if (endpoint || endpoint.error().kind != ErrorKind::Exhausted) {
      break;
    }
  }
  return endpoint;
}

Result<void> confirm_endpoint(const Context& context, const Endpoint& endpoint) {
  const auto key = context.keys.endpoint(endpoint.network_id, endpoint.id);
  return update(context.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
    if (!pair) {
      return std::optional<std::string>();
    }
    auto value = without_taking(key, pair->value);
    if (!value) {
      return fail(value.error());
    }
    return *value == pair->value ? std::optional<std::string>() : std::optional(std::move(*value));
  });
}

Result<Endpoint> activate_endpoint(const Context& context, const Endpoint& endpoint,
                                   const std::string& sandbox, const std::string& host_ifname) {
  if (!is_id(sandbox)) {
    return invalid("the sandbox '" + sandbox + "' is not 64 hex digits");
  }
  const auto key = context.keys.endpoint(endpoint.network_id, endpoint.id);
  Result<Endpoint> active = fail(ErrorKind::Internal, key);
  auto done =
      update(context.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
        if (!pair) {
          return fail(ErrorKind::NotFound, "endpoint '" + endpoint.name + "' (" +
                                               endpoint.id.substr(0, kShortId) +
                                               ") is not in the store");
        }
        auto value = with_sandbox(key, pair->value, sandbox, host_ifname);
        if (!value) {
          return fail(value.error());
        }
        active = decode_endpoint(key, endpoint.network_id, endpoint.id, *value);
        if (!active) {
          return fail(active.error());
        }
        const auto leaving = endpoint_leaving(key, pair->value);
        if (active->owner != endpoint.owner || active->vtep != endpoint.vtep || !leaving ||
            *leaving) {
          return fail(ErrorKind::Conflict, "endpoint '" + endpoint.name + "' (" +
                                               endpoint.id.substr(0, kShortId) +
                                               ") is not ours any more, or is being removed");
        }
        return std::optional(std::move(*value));
      });
  if (!done) {
    return fail(done.error());
  }
  return active;
}

}  // namespace vtepd::registry
