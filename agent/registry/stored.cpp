// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"
#include "registry/operations.h"
#include "registry/own_codec.h"
#include "registry/vni_allocator.h"

#include <utility>

namespace vtepd::registry {

Result<std::vector<StoredNetwork>> read_networks(const Context& context) {
  const auto pairs = context.store.list(context.keys.networks());
  if (!pairs) {
    return fail(pairs.error());
  }
  std::vector<StoredNetwork> networks;
  for (const auto& pair : *pairs) {
    const auto parsed = context.keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Network) {
      continue;
    }
    if (auto record = decode_network(pair.key, parsed.network_id, pair.value)) {
      networks.push_back({std::move(*record), pair.index});
    }
  }
  return networks;
}

Result<StoredNetwork> read_network(const Context& context, const std::string& id) {
  const auto key = context.keys.network(id);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return fail(ErrorKind::NotFound, "network " + id.substr(0, 12) + " is not in the store");
  }
  auto record = decode_network(key, id, (*pair)->value);
  if (!record) {
    return fail(record.error());
  }
  return StoredNetwork{std::move(*record), (*pair)->index};
}

Result<std::vector<Endpoint>> read_endpoints(const Context& context,
                                             const std::string& network_id) {
  const auto pairs = context.store.list(context.keys.endpoints(network_id));
  if (!pairs) {
    return fail(pairs.error());
  }
  std::vector<Endpoint> endpoints;
  for (const auto& pair : *pairs) {
    const auto parsed = context.keys.parse(pair.key);
    if (parsed.kind != Keys::Parsed::Kind::Endpoint) {
      continue;
    }
    if (auto endpoint = decode_endpoint(pair.key, network_id, parsed.endpoint_id, pair.value)) {
      endpoints.push_back(std::move(*endpoint));
    }
  }
  return endpoints;
}

Result<void> write_marker(const Context& context) {
  const auto written = context.store.put(context.keys.marker(), encode_marker(), 0);
  return written ? Result<void>() : fail(written.error());
}

Result<Network> ensure_vni(const Context& context, const Network& network) {
  const auto key = context.keys.overlay(network.id);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto pair = context.store.get(key);
    if (!pair) {
      return fail(pair.error());
    }
    if (!*pair) {
      return fail(ErrorKind::NotFound, "network '" + network.name + "' has no '" + key + "'");
    }
    auto overlay = decode_overlay(key, (*pair)->value);
    if (!overlay) {
      return fail(overlay.error());
    }
    Undo undo;
    bool changed = false;
    for (auto& subnet : overlay->subnets) {
      if (subnet.vni.value != 0) {
        continue;
      }
      const auto vni = take_vni(context.store, context.keys, std::nullopt);
      if (!vni) {
        return fail(vni.error());
      }
      undo.push([&context, taken = *vni] {
        static_cast<void>(release_vni(context.store, context.keys, taken));
      });
      subnet.vni = *vni;
      changed = true;
    }
    const auto written =
        changed ? context.store.put(key, encode_overlay(*overlay), (*pair)->index) : true;
    if (!written) {
      return fail(written.error());
    }
    if (*written) {
      undo.commit();
      auto complete = network;
      complete.subnets = overlay->subnets;
      return complete;
    }
    back_off(tries);
  }
  return fail(too_many_tries(key));
}

}  // namespace vtepd::registry
