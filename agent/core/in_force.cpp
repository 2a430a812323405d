// SPDX-License-Identifier: GPL-2.0-only
#include "core/in_force.h"

namespace vtepd {

namespace {

std::string name_of(const Overlay::EndpointRecord& record) {
  return "endpoint " + record.name + (record.local != nullptr ? " of this host" : "");
}

// Empty: nothing stands in its way.
std::string obstacle(const Overlay& overlay, const Endpoint& endpoint, const IpAddress& address,
                     Vni vni) {
  const auto* mac = overlay.fdb_owner({vni, endpoint.mac});
  if (mac == nullptr) {
    return "this host has not heard of it";
  }
  if (mac->id.to_string() != endpoint.id) {
    return endpoint.mac.to_string() + " is that of " + name_of(*mac);
  }
  if (overlay.floating(endpoint.network_id, address) == nullptr) {
    const auto* owner = overlay.neighbour_owner({vni, address});
    if (owner != nullptr && owner->id.to_string() != endpoint.id) {
      return address.to_string() + " is that of " + name_of(*owner);
    }
  }
  return overlay.route(endpoint.vtep)
             ? ""
             : "there is no underlay route to " + endpoint.vtep.to_string();
}

}  // namespace

std::vector<NotInForce> not_in_force(const Overlay& overlay,
                                     const std::vector<const Endpoint*>& stored) {
  std::vector<NotInForce> found;
  for (const auto* endpoint : stored) {
    const auto network = overlay.networks().find(endpoint->network_id);
    const auto& prefix = endpoint->address4 ? endpoint->address4 : endpoint->address6;
    if (!endpoint->active() || endpoint->vtep == overlay.own_vtep() || !prefix ||
        network == overlay.networks().end() || !network->second.network) {
      continue;
    }
    const auto* subnet = network->second.network->subnet_of(prefix->address);
    if (subnet == nullptr || !overlay.is_active(subnet->vni)) {
      continue;
    }
    if (auto have = obstacle(overlay, *endpoint, prefix->address, subnet->vni); !have.empty()) {
      found.push_back({endpoint, std::move(have)});
    }
  }
  return found;
}

}  // namespace vtepd
