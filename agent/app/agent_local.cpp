// SPDX-License-Identifier: GPL-2.0-only
// Endpoints that leave this host: detach, a namespace that vanished, and what the store must hear.
#include "app/agent.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace vtepd {

void Agent::remove_local(const std::string& id) {
  const auto place = overlay_.locals().find(id);
  if (place == overlay_.locals().end()) {
    return;
  }
  const LocalEndpoint local = place->second;
  pending_.push_back(local.endpoint);
  save_pending();  // first: a crash from here on still withdraws it
  overlay_.erase_local(id);
  (void)program();
  followed_.settle();
  remove_interface(local.host_ifname);
  if (const auto saved = save_state(); !saved) {
    spdlog::error("cannot save the state of this host: {}", saved.error().what);
  }
}

void Agent::remove_interface(const std::string& host_ifname) {
  ports_.dataplane.detach_port(host_ifname);
  if (const auto removed = ports_.links.remove_port(host_ifname); !removed) {
    spdlog::warn("cannot remove the interface of an endpoint, leaving it: {}",
                 removed.error().what);
  }
}

Result<void> Agent::save_state() {
  SavedState state{.endpoints = {},
                   .floating = overlay_.held_here(),
                   .networks = {},
                   .idle_device = saved_.idle_device,
                   .store = saved_.store};
  for (const auto& [id, local] : overlay_.locals()) {
    state.endpoints.push_back(local);
  }
  const auto followed = followed_.ids();
  state.networks.assign(followed.begin(), followed.end());
  return ports_.state.save(state);
}

void Agent::save_pending() {
  if (const auto saved = ports_.state.save_pending(pending_); !saved) {
    spdlog::error("cannot save what is to be withdrawn from the store: {}", saved.error().what);
  }
}

void Agent::withdraw_pending(std::function<void(Result<void>)> then) {
  if (pending_.empty()) {
    then({});
    return;
  }
  on_worker<std::vector<std::string>>(
      [registry = &ports_.registry, pending = pending_]() -> Result<std::vector<std::string>> {
        std::vector<std::string> withdrawn;
        for (const auto& endpoint : pending) {
          if (const auto removed = registry->remove_endpoint(endpoint); !removed) {
            return withdrawn.empty() ? Result<std::vector<std::string>>(fail(removed.error()))
                                     : withdrawn;
          }
          withdrawn.push_back(endpoint.id);
        }
        return withdrawn;
      },
      [this, then = std::move(then)](const Result<std::vector<std::string>>& withdrawn) {
        if (!withdrawn) {
          spdlog::warn("cannot withdraw an endpoint from the store, trying again: {}",
                       withdrawn.error().what);
          retry_later();
          then(fail(withdrawn.error()));
          return;
        }
        std::erase_if(pending_, [&](const Endpoint& endpoint) {
          return std::find(withdrawn->begin(), withdrawn->end(), endpoint.id) != withdrawn->end();
        });
        save_pending();
        if (!pending_.empty()) {
          retry_later();
        }
        then({});
      });
}

void Agent::withdraw_orphans(const Done& done) {
  for (const auto& orphan : overlay_.orphans()) {
    const bool known = std::any_of(pending_.begin(), pending_.end(),
                                   [&](const Endpoint& p) { return p.id == orphan.id; });
    if (!known) {
      spdlog::info("withdrawing an endpoint that this host no longer has endpoint={}", orphan.name);
      // Its interface may have been made before the end came.
      remove_interface(host_ifname_of(orphan.id));
      tell_gossip_it_went(orphan);
      pending_.push_back(orphan);
    }
  }
  withdraw_pending([done](const Result<void>&) { done(); });
}

Result<const LocalEndpoint*> Agent::find_local(const DetachRequest& request) const {
  const LocalEndpoint* found = nullptr;
  const auto matches = [&](const LocalEndpoint& local) {
    if (request.endpoint.empty()) {
      return (local.network.name == request.network || local.network.id == request.network) &&
             local.netns_path == request.netns_path &&
             (request.ifname.empty() || local.ifname == request.ifname);
    }
    constexpr std::size_t kShortestIdPrefix = 8;
    return local.endpoint.name == request.endpoint || local.host_ifname == request.endpoint ||
           (request.endpoint.size() >= kShortestIdPrefix &&
            local.endpoint.id.starts_with(request.endpoint));
  };
  for (const auto& [id, local] : overlay_.locals()) {
    if (!matches(local)) {
      continue;
    }
    if (found != nullptr) {
      return fail(ErrorKind::Conflict,
                  "several endpoints match: " + found->endpoint.id.substr(0, 12) + " and " +
                      local.endpoint.id.substr(0, 12) + "; name one by its id");
    }
    found = &local;
  }
  if (found == nullptr) {
    const auto what =
        request.endpoint.empty()
            ? "no endpoint of network '" + request.network + "' in " + request.netns_path
            : "no endpoint '" + request.endpoint + "' on this host";
    return fail(ErrorKind::NotFound, what + "; `vtepctl show endpoints` lists them");
  }
  return found;
}

void Agent::detach(const DetachRequest& request, Reply<EndpointView> reply) {
  enqueue([this, request, reply = std::move(reply)](const Done& done) {
    const auto found = find_local(request);
    if (!found) {
      reply(fail(found.error()));
      done();
      return;
    }
    const auto view = local_view(**found);
    spdlog::info("detached endpoint={} network={} interface={}", view.name, view.network,
                 view.host_ifname);
    remove_local(view.id);
    withdraw_pending([this, view, reply, done](const Result<void>& withdrawn) {
      // It is off this host either way; the store follows when it can.
      auto left = view;
      left.state = withdrawn && pending_.empty() ? "gone" : "withdrawing";
      reply(left);
      done();
    });
  });
}

}  // namespace vtepd
