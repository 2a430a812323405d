// SPDX-License-Identifier: GPL-2.0-only
// Look-ups in the tables, for the agent and for people.
#include "core/overlay.h"

namespace vtepd {

namespace {

constexpr std::size_t kShortestIdPrefix = 8;

}  // namespace

const Overlay::NetworkRecord* Overlay::find_network(const std::string& name_or_id) const {
  const NetworkRecord* by_prefix = nullptr;
  bool several = false;
  for (const auto& [id, record] : networks_) {
    if (!record.network) {
      continue;
    }
    if (record.network->name == name_or_id || id == name_or_id) {
      return &record;
    }
    if (name_or_id.size() >= kShortestIdPrefix && id.starts_with(name_or_id)) {
      several = by_prefix != nullptr;
      by_prefix = &record;
    }
  }
  return several ? nullptr : by_prefix;
}

bool Overlay::is_used_here(const std::string& network_id) const {
  const auto network = networks_.find(network_id);
  return network != networks_.end() && !network->second.locals.empty();
}

const Overlay::NetworkRecord* Overlay::network_of(Vni vni) const {
  for (const auto& [id, record] : networks_) {
    if (record.network) {
      for (const auto& subnet : record.network->subnets) {
        if (subnet.vni == vni) {
          return &record;
        }
      }
    }
  }
  return nullptr;
}

std::size_t Overlay::endpoint_count() const {
  std::size_t count = 0;
  for (const auto& [id, network] : networks_) {
    count += network.endpoints.size();
  }
  return count;
}

std::vector<Endpoint> Overlay::orphans() const {
  std::vector<Endpoint> result;
  for (const auto& [network_id, network] : networks_) {
    for (const auto& [id, record] : network.endpoints) {
      if (record.ours && record.vtep == own_vtep_ && !locals_.contains(id.to_string())) {
        result.push_back(Endpoint{.id = id.to_string(),
                                  .network_id = network_id,
                                  .name = record.name,
                                  .mac = record.mac,
                                  .address4 = record.address4,
                                  .address6 = record.address6,
                                  .vtep = record.vtep,
                                  .sandbox = "",
                                  .owner = owner_});
      }
    }
  }
  return result;
}

}  // namespace vtepd
