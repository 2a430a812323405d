// SPDX-License-Identifier: GPL-2.0-only
// Networks: made, listed and removed in the store; the data path follows by the watch.
#include "app/agent.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

// Whether the existing network is what the specification asks for; the difference otherwise.
std::string difference(const Network& network, const NetworkSpec& spec) {
  for (const auto& wanted : spec.subnets) {
    const auto pool = wanted.network();
    const bool has = pool.is_v4() ? std::any_of(network.subnets.begin(), network.subnets.end(),
                                                [&](const Subnet& s) { return s.pool == pool; })
                                  : network.v6_pool == pool;
    if (!has) {
      return "without subnet " + pool.to_string();
    }
  }
  const bool wants_v6 = std::any_of(spec.subnets.begin(), spec.subnets.end(),
                                    [](const IpPrefix& prefix) { return !prefix.is_v4(); });
  if (network.v6_pool && !wants_v6) {
    return "with subnet " + network.v6_pool->to_string();
  }
  if (spec.address_space != network.address_space) {
    return "in address space " + network.address_space;
  }
  if (spec.vni && (network.subnets.empty() || network.subnets.front().vni != *spec.vni)) {
    return "with VNI " +
           std::to_string(network.subnets.empty() ? 0 : network.subnets.front().vni.value);
  }
  if (spec.container_mtu != 0 && spec.container_mtu != network.mtu()) {
    return "with MTU " + std::to_string(network.mtu());
  }
  return {};
}

Result<Network> create_or_find(Registry& registry, const NetworkSpec& spec) {
  const auto existing = registry.find_network(spec.name);
  if (existing && existing->name == spec.name) {
    if (const auto differs = difference(*existing, spec); !differs.empty()) {
      return fail(ErrorKind::Conflict, "network '" + spec.name + "' exists already, " + differs +
                                           "; choose another name or remove it first");
    }
    return *existing;
  }
  if (!existing && existing.error().kind != ErrorKind::NotFound) {
    return existing;
  }
  return registry.create_network(spec);
}

struct CountedNetwork {
  Network network;
  std::uint64_t endpoints = 0;
};

// A count that does not parse is no reason to show nothing of the network.
Result<CountedNetwork> counted(Registry& registry, Network network) {
  const auto count = registry.count_endpoints(network.id);
  if (!count && count.error().kind == ErrorKind::Unavailable) {
    return fail(count.error());
  }
  return CountedNetwork{std::move(network), count ? *count : 0};
}

}  // namespace

Result<void> Agent::check_store() const {
  if (store_problem_.empty() || store_problem_ == kNoAnswerYet) {
    return {};
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - store_since_).count();
  return fail(ErrorKind::Unavailable,
              "the store has been away for " + std::to_string(seconds) + " s: " + store_problem_);
}

void Agent::create_network(const NetworkSpec& spec, Reply<NetworkView> reply) {
  enqueue([this, spec, reply = std::move(reply)](const Done& done) {
    if (const auto there = check_store(); !there) {
      reply(fail(there.error()));
      done();
      return;
    }
    on_worker<Network>(
        [registry = &ports_.registry, spec] { return create_or_find(*registry, spec); },
        [reply, done](const Result<Network>& network) {
          if (network) {
            spdlog::info("network ready network={} vni={}", network->name,
                         network->subnets.front().vni.value);
            reply(network_view(*network, 0));
          } else {
            reply(fail(network.error()));
          }
          done();
        });
  });
}

void Agent::list_networks(Reply<std::vector<NetworkView>> reply) {
  on_worker<std::vector<CountedNetwork>>(
      [registry = &ports_.registry]() -> Result<std::vector<CountedNetwork>> {
        auto networks = registry->list_networks();
        if (!networks) {
          return fail(networks.error());
        }
        std::vector<CountedNetwork> all;
        for (auto& network : *networks) {
          auto with_count = counted(*registry, std::move(network));
          if (!with_count) {
            return fail(with_count.error());
          }
          all.push_back(std::move(*with_count));
        }
        return all;
      },
      [reply = std::move(reply)](const Result<std::vector<CountedNetwork>>& networks) {
        if (!networks) {
          reply(fail(networks.error()));
          return;
        }
        std::vector<NetworkView> views;
        for (const auto& [network, endpoints] : *networks) {
          views.push_back(network_view(network, endpoints));
        }
        std::sort(views.begin(), views.end(), [](const NetworkView& a, const NetworkView& b) {
          return std::tie(a.name, a.id) < std::tie(b.name, b.id);
        });
        reply(std::move(views));
      });
}

void Agent::inspect_network(const std::string& name_or_id, Reply<NetworkView> reply) {
  on_worker<CountedNetwork>(
      [registry = &ports_.registry, name_or_id]() -> Result<CountedNetwork> {
        auto network = registry->find_network(name_or_id);
        return network ? counted(*registry, std::move(*network)) : fail(network.error());
      },
      [reply = std::move(reply)](const Result<CountedNetwork>& network) {
        if (network) {
          reply(network_view(network->network, network->endpoints));
        } else {
          reply(fail(network.error()));
        }
      });
}

void Agent::remove_network(const std::string& name_or_id, Reply<NetworkView> reply) {
  enqueue([this, name_or_id, reply = std::move(reply)](const Done& done) {
    if (const auto there = check_store(); !there) {
      reply(fail(there.error()));
      done();
      return;
    }
    on_worker<Network>(
        [registry = &ports_.registry, name_or_id]() -> Result<Network> {
          auto network = registry->find_network(name_or_id);
          if (!network) {
            return network;
          }
          if (const auto removed = registry->remove_network(network->id); !removed) {
            return fail(removed.error());
          }
          return network;
        },
        [reply, done](const Result<Network>& network) {
          if (network) {
            spdlog::info("network removed network={}", network->name);
            reply(network_view(*network, 0));
          } else {
            reply(fail(network.error()));
          }
          done();
        });
  });
}

}  // namespace vtepd
