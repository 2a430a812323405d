// SPDX-License-Identifier: GPL-2.0-only
#include "registry/store_reading.h"

#include "registry/endpoint_codec.h"
#include "registry/floating_key.h"
#include "registry/ipam_codec.h"
#include "registry/own_codec.h"

#include <utility>

namespace vtepd::registry {

namespace {

Result<BitsReading> read_bits(const Context& context, const std::string& key) {
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  BitsReading reading;
  if (!*pair || (*pair)->value.empty()) {  // an empty value is a "directory" of libkv
    return reading;
  }
  reading.index = (*pair)->index;
  auto named = decode_bits(key, (*pair)->value);
  if (named) {
    reading.bits = std::move(named->bits);
  } else {
    reading.problem = named.error().what;
  }
  return reading;
}

Result<void> read_pools(const Context& context, const NetworkRecord& network,
                        StoreReading& reading) {
  for (const auto* pools : {&network.v4, &network.v6}) {
    for (const auto& pool : *pools) {
      const auto id = parse_pool_id(pool.pool_id);
      const auto key = context.keys.addresses(pool.pool_id);
      if (!id || reading.pools.contains(key)) {
        continue;
      }
      auto bits = read_bits(context, key);
      if (!bits) {
        return fail(bits.error());
      }
      bits->pool = id->pool;
      reading.pools.emplace(key, std::move(*bits));
    }
  }
  return {};
}

Result<void> read_count(const Context& context, NetworkReading& network) {
  const auto key = context.keys.endpoint_count(network.record.id);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair || (*pair)->value.empty()) {
    return {};
  }
  network.count_index = (*pair)->index;
  const auto count = decode_count(key, (*pair)->value);
  if (count) {
    network.count = *count;
  } else {
    network.count_problem = count.error().what;
  }
  return {};
}

Result<void> read_overlay(const Context& context, NetworkReading& network) {
  const auto key = context.keys.overlay(network.record.id);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return {};
  }
  auto overlay = decode_overlay(key, (*pair)->value);
  if (overlay) {
    network.subnets = std::move(overlay->subnets);
  } else {
    network.overlay_problem = overlay.error().what;
  }
  return {};
}

Result<void> read_endpoint_keys(const Context& context, NetworkReading& network) {
  const auto& id = network.record.id;
  const auto pairs = context.store.list(context.keys.endpoints(id));
  if (!pairs) {
    return fail(pairs.error());
  }
  for (const auto& pair : *pairs) {
    const auto parsed = context.keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Endpoint) {
      continue;
    }
    EndpointReading reading;
    reading.index = pair.index;
    auto endpoint = decode_endpoint(pair.key, id, parsed.endpoint_id, pair.value);
    if (endpoint) {
      reading.endpoint = std::move(*endpoint);
    } else {
      reading.endpoint.network_id = id;
      reading.endpoint.id = parsed.endpoint_id;
      reading.problem = endpoint.error().what;
    }
    network.endpoints.push_back(std::move(reading));
  }
  return {};
}

Result<void> read_floating_keys(const Context& context, NetworkReading& network) {
  const auto& id = network.record.id;
  const auto pairs = context.store.list(context.keys.floatings(id));
  if (!pairs) {
    return fail(pairs.error());
  }
  for (const auto& pair : *pairs) {
    const auto address = floating_address_of(context.keys, pair.key);
    if (!address) {
      continue;
    }
    FloatingReading reading;
    const auto record = decode_floating(pair.key, id, address->to_string(), pair.value);
    if (record) {
      reading.floating = record->floating;
    } else {
      reading.floating.network_id = id;
      reading.floating.address = *address;
      reading.problem = record.error().what;
    }
    network.floating.push_back(std::move(reading));
  }
  return {};
}

Result<void> read_network_parts(const Context& context, NetworkReading& network) {
  for (const auto part : {read_overlay, read_count, read_endpoint_keys, read_floating_keys}) {
    if (auto read = part(context, network); !read) {
      return read;
    }
  }
  return {};
}

Result<void> read_overlay_networks(const Context& context, StoreReading& reading) {
  const auto pairs = context.store.list(context.keys.networks());
  if (!pairs) {
    return fail(pairs.error());
  }
  for (const auto& pair : *pairs) {
    const auto parsed = context.keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Network) {
      continue;
    }
    auto record = decode_network(pair.key, parsed.network_id, pair.value);
    if (!record) {
      reading.malformed_networks.emplace(parsed.network_id, record.error().what);
    } else if (record->is_overlay() && !record->in_delete) {
      reading.networks.push_back(NetworkReading{.record = std::move(*record)});
    }
  }
  return {};
}

Result<void> read_held_vnis(const Context& context, StoreReading& reading) {
  const auto pairs = context.store.list(context.keys.overlays());
  if (!pairs) {
    return fail(pairs.error());
  }
  for (const auto& pair : *pairs) {
    const auto parsed = context.keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Overlay) {
      continue;
    }
    const auto overlay = decode_overlay(pair.key, pair.value);
    reading.vnis_unclear = reading.vnis_unclear || !overlay;
    for (const auto& subnet : overlay ? overlay->subnets : std::vector<Subnet>()) {
      reading.held_vnis.insert(subnet.vni.value);
    }
  }
  return {};
}

// A vtepd that gossips on Docker's port lists itself there as well.
std::set<IpAddress> dockers_of(const Keys& keys, const std::vector<KvPair>& listed,
                               const Hosts& hosts) {
  std::set<IpAddress> dockers;
  for (const auto& pair : listed) {
    const auto address = parse_docker_node(keys.parse(pair.key).address);
    if (address && !(hosts.nodes.contains(*address) &&
                     pair.key == keys.docker_node(*address, kDockerGossipPort))) {
      dockers.insert(*address);
    }
  }
  return dockers;
}

Result<Hosts> hosts_of(const Context& context, const std::vector<KvPair>& listed) {
  const auto nodes = context.store.list(context.keys.nodes());
  if (!nodes) {
    return fail(nodes.error());
  }
  Hosts hosts;
  for (const auto& pair : *nodes) {
    const auto parsed = context.keys.parse(pair.key);
    if (const auto vtep = IpAddress::parse(parsed.address)) {
      // Whatever the key says, it is there: somebody's session lives.
      const auto node = decode_node(pair.key, parsed.address, pair.value);
      hosts.nodes.emplace(*vtep, node ? *node : Node{.vtep = *vtep, .host = {}, .instance = {}});
    }
  }
  for (const auto& pair : listed) {
    if (const auto address = parse_docker_node(context.keys.parse(pair.key).address)) {
      hosts.listed.insert(*address);
    }
  }
  return hosts;
}

}  // namespace

Result<Hosts> read_hosts(const Context& context) {
  const auto listed = context.store.list(context.keys.docker_nodes());
  return listed ? hosts_of(context, *listed) : fail(listed.error());
}

Result<StoreReading> read_store(const Context& context) {
  StoreReading reading;
  reading.keys = context.keys;
  auto vnis = read_bits(context, context.keys.vnis());
  if (!vnis) {
    return fail(vnis.error());
  }
  reading.vnis = std::move(*vnis);
  for (const auto part : {read_overlay_networks, read_held_vnis}) {
    if (auto read = part(context, reading); !read) {
      return fail(read.error());
    }
  }
  // Networks may share a pool's key: all pools before all endpoints.
  for (const auto& network : reading.networks) {
    if (auto read = read_pools(context, network.record, reading); !read) {
      return fail(read.error());
    }
  }
  for (auto& network : reading.networks) {
    if (auto read = read_network_parts(context, network); !read) {
      return fail(read.error());
    }
  }
  const auto listed = context.store.list(context.keys.docker_nodes());
  auto hosts = listed ? hosts_of(context, *listed) : fail(listed.error());
  if (!hosts) {
    return fail(hosts.error());
  }
  reading.hosts = std::move(*hosts);
  reading.dockers = dockers_of(context.keys, *listed, reading.hosts);
  return reading;
}

}  // namespace vtepd::registry
