// SPDX-License-Identifier: GPL-2.0-only
#include "core/model.h"

namespace vtepd {

const Subnet* Network::subnet_of(const IpAddress& address) const {
  if (!address.is_v4()) {
    const bool inside = v6_pool && v6_pool->contains(address) && !subnets.empty();
    return inside ? &subnets.front() : nullptr;
  }
  for (const auto& subnet : subnets) {
    if (subnet.pool.contains(address)) {
      return &subnet;
    }
  }
  return nullptr;
}

Result<PackedEndpoint> PackedEndpoint::pack(const Endpoint& endpoint) {
  const auto id = ObjectId::parse(endpoint.id);
  if (!id) {
    return fail(id.error());
  }
  return PackedEndpoint{.id = *id,
                        .name = endpoint.name,
                        .mac = endpoint.mac,
                        .address4 = endpoint.address4,
                        .address6 = endpoint.address6,
                        .vtep = endpoint.vtep,
                        .owner = endpoint.owner,
                        .active = endpoint.active()};
}

}  // namespace vtepd
