// SPDX-License-Identifier: GPL-2.0-only
// Addresses that move between endpoints: because somebody says so, or because an endpoint announces
// one that it may have. The store comes first; tables and neighbours follow from it.
#include "app/agent.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

// What a tenant may make the store keep for one endpoint.
constexpr std::size_t kMostHeld = 64;

MoveLimiter::Time now() {
  return std::chrono::duration_cast<MoveLimiter::Time>(
      std::chrono::steady_clock::now().time_since_epoch());
}

std::string text_of(const AddressMove& move) {
  return move.address.to_string() + (move.mac ? " with MAC " + move.mac->to_string() : "");
}

}  // namespace

void Agent::on_announcement(const DataplaneEvent& event) {
  for (const auto& [id, local] : overlay_.locals()) {
    if (local.host != event.ifindex) {
      continue;
    }
    const bool own_mac = event.mac == local.endpoint.mac;
    moves_.announce({.network_id = local.endpoint.network_id,
                     .address = event.address,
                     .endpoint_id = id,
                     .mac = own_mac ? std::nullopt : std::optional(event.mac)},
                    now());
    carry_out_moves();
    return;
  }
}

void Agent::carry_out_moves() {
  while (const auto move = moves_.due(now())) {
    enqueue([this, move = *move](const Done& done) {
      hold(move, [move, done](const Result<void>& held) {
        if (!held) {
          spdlog::warn("an announced address does not move address={} endpoint={}: {}",
                       text_of(move), move.endpoint_id.substr(0, 12), held.error().what);
        }
        done();
      });
    });
  }
  if (const auto next = moves_.next()) {
    move_timer_->set(std::max(*next - now(), MoveLimiter::Time(1)), [this] { carry_out_moves(); });
  }
}

Result<void> Agent::check_move(const LocalEndpoint& local, const AddressMove& move) {
  const auto& network = overlay_.networks().at(move.network_id);
  const auto* subnet = network.network ? network.network->subnet_of(move.address) : nullptr;
  if (subnet != nullptr && subnet->vni != vni_of(local)) {
    return fail(ErrorKind::Invalid, move.address.to_string() + " is of the subnet " +
                                        subnet->pool.to_string() + ", the endpoint of another");
  }
  if (!move.address.is_v4() && !local.network.v6_pool) {
    return fail(ErrorKind::Invalid, "network '" + local.network.name + "' has no IPv6");
  }
  const auto id = ObjectId::parse(local.endpoint.id);
  const auto held = network.held.find(*id);
  if (held != network.held.end() && held->second.size() >= kMostHeld &&
      !held->second.contains(move.address)) {
    return fail(ErrorKind::Exhausted, "endpoint '" + local.endpoint.name + "' holds " +
                                          std::to_string(kMostHeld) + " addresses already");
  }
  const auto host_macs = move.mac ? ports_.links.host_macs() : std::vector<MacAddress>();
  if (!host_macs) {
    return fail(host_macs.error());
  }
  if (std::find(host_macs->begin(), host_macs->end(), move.mac) != host_macs->end()) {
    return fail(ErrorKind::Conflict,
                "MAC " + move.mac->to_string() + " is that of an interface of this host");
  }
  return {};
}

// An operation's body: makes the endpoint the holder, in the store and then in the data path.
void Agent::hold(const AddressMove& move, std::function<void(Result<void>)> then) {
  const auto local = overlay_.locals().find(move.endpoint_id);
  if (local == overlay_.locals().end()) {
    then({});  // it went, and what it announced with it
    return;
  }
  if (const auto checked = check_move(local->second, move); !checked) {
    then(checked);
    return;
  }
  if (!store_problem_.empty()) {
    then(fail(ErrorKind::Unavailable, "the store is away: " + store_problem_));
    return;
  }
  const FloatingAddress wanted{
      .network_id = move.network_id,
      .address = move.address,
      .endpoint_id = move.endpoint_id,
      .mac = move.mac == local->second.endpoint.mac ? std::nullopt : move.mac,
      .generation = overlay_.latest_generation(move.network_id)};
  using Held = std::optional<FloatingAddress>;
  on_worker<Held>(
      [registry = &ports_.registry, wanted,
       own_of = overlay_.own_of({vni_of(local->second), move.address})] {
        return registry->hold_address(wanted, own_of);
      },
      [this, wanted, then = std::move(then)](const Result<Held>& held) {
        if (!held) {
          then(fail(held.error()));
          return;
        }
        tell_gossip_of_move(wanted);
        if (*held) {
          overlay_.upsert_floating(**held);
        } else {
          overlay_.erase_floating(wanted.network_id, wanted.address);
        }
        spdlog::info("address moved address={} endpoint={}", wanted.address.to_string(),
                     wanted.endpoint_id.substr(0, 12));
        (void)program();
        announce_beyond_vtepd(wanted);
        remember_held();
        then({});
      });
}

// So that a restart without the store still lets the endpoints use what they hold.
void Agent::remember_held() {
  if (const auto saved = save_state(); !saved) {
    spdlog::error("cannot save the state of this host: {}", saved.error().what);
  }
}

void Agent::announce_moved() {
  for (const auto& key : overlay_.take_moved()) {
    if (const auto mac = overlay_.neighbour_mac(key)) {
      announce(key, *mac);
    }
  }
}

// To all endpoints of this host in that VNI but the one that has the address. Suppression keeps the
// neighbours' own announcements from them, and answers only those who ask.
void Agent::announce(const NeighbourKey& key, const MacAddress& mac) {
  const auto* owner = overlay_.neighbour_owner(key);
  for (const auto& [id, local] : overlay_.locals()) {
    if (vni_of(local) != key.vni || (owner != nullptr && owner->local == &local)) {
      continue;
    }
    if (const auto sent = ports_.links.announce(local.host, key.address, mac); !sent) {
      spdlog::warn("cannot tell an endpoint that an address has another MAC endpoint={}: {}",
                   local.endpoint.name, sent.error().what);
    }
  }
}

void Agent::add_address(const AddressRequest& request, Reply<EndpointView> reply) {
  enqueue([this, request, reply = std::move(reply)](const Done& done) {
    const auto found =
        find_local({.endpoint = request.endpoint, .network = {}, .netns_path = {}, .ifname = {}});
    if (!found) {
      reply(fail(found.error()));
      done();
      return;
    }
    const auto id = (*found)->endpoint.id;
    hold({.network_id = (*found)->endpoint.network_id,
          .address = request.address,
          .endpoint_id = id,
          .mac = request.mac},
         [this, id, reply, done](const Result<void>& held) {
           const auto local = overlay_.locals().find(id);
           if (!held) {
             reply(fail(held.error()));
           } else if (local == overlay_.locals().end()) {
             reply(fail(ErrorKind::NotFound, "the endpoint went meanwhile"));
           } else {
             reply(local_view(local->second));
           }
           done();
         });
  });
}

void Agent::remove_address(const AddressRequest& request, Reply<EndpointView> reply) {
  enqueue([this, request, reply = std::move(reply)](const Done& done) {
    const auto found =
        find_local({.endpoint = request.endpoint, .network = {}, .netns_path = {}, .ifname = {}});
    const auto* held =
        found ? overlay_.floating((*found)->endpoint.network_id, request.address) : nullptr;
    if (!found || held == nullptr || held->endpoint_id != (*found)->endpoint.id) {
      reply(found ? fail(ErrorKind::NotFound, "endpoint '" + (*found)->endpoint.name +
                                                  "' does not hold " + request.address.to_string() +
                                                  "; `vtepctl show endpoints` lists who holds what")
                  : fail(found.error()));
      done();
      return;
    }
    on_worker<bool>([registry = &ports_.registry, held = *held] { return registry->let_go(held); },
                    [this, held = *held, reply, done](const Result<bool>& gone) {
                      const auto local = overlay_.locals().find(held.endpoint_id);
                      if (!gone || local == overlay_.locals().end()) {
                        reply(gone ? fail(ErrorKind::NotFound, "the endpoint went meanwhile")
                                   : fail(gone.error()));
                        done();
                        return;
                      }
                      overlay_.erase_floating(held.network_id, held.address);
                      (void)program();
                      remember_held();
                      reply(local_view(local->second));
                      done();
                    });
  });
}

}  // namespace vtepd
