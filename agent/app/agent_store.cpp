// SPDX-License-Identifier: GPL-2.0-only
// What the store says, taken into the tables.
#include "app/agent.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

namespace vtepd {

void Agent::on_store_events(std::vector<StoreEvent> events) {
  expect_endpoints(events);
  for (auto& event : events) {
    take(event);
  }
  tell_gossip_of_hosts();
  const bool first_sync =
      !synced_ && std::any_of(events.begin(), events.end(), [](const StoreEvent& event) {
        return std::holds_alternative<store_event::Synced>(event);
      });
  if (first_sync) {
    synced_ = true;
    for (const auto& [network_id, address] : std::exchange(unconfirmed_, {})) {
      overlay_.erase_floating(network_id, address);
    }
    reconcile();
  } else {
    (void)program();
  }
  if (first_sync) {
    hook_up_late();
    enqueue([this](const Done& done) { withdraw_orphans(done); });
    spdlog::info("in step with the store networks={} endpoints={} local={}",
                 overlay_.networks().size(), overlay_.endpoint_count(), overlay_.locals().size());
    retry_later();
    if (ready_) {
      ready_();
    }
  }
  tell_who_waits(events);
  const auto answers =
      acknowledgements_.answerable([&](const std::string& network_id, const std::string& id) {
        const auto network = overlay_.networks().find(network_id);
        const auto parsed = ObjectId::parse(id);
        return apply_errors_.empty() && parsed && network != overlay_.networks().end() &&
               network->second.endpoints.contains(*parsed) &&
               network->second.endpoints.at(*parsed).active && !network->second.locals.empty();
      });
  for (const auto& answer : answers) {
    on_worker<void>(
        [registry = &ports_.registry, answer, vtep = options_.vtep] {
          return registry->acknowledge(answer.network_id, answer.endpoint_id, answer.revision,
                                       vtep);
        },
        [](const Result<void>&) {});
  }
}

void Agent::tell_who_waits(const std::vector<StoreEvent>& events) {
  for (const auto& event : events) {
    if (const auto* read = std::get_if<store_event::NetworkRead>(&event)) {
      followed_.on_read(read->id);
    } else if (const auto* away = std::get_if<store_event::Outage>(&event)) {
      followed_.on_store_away(away->reason);
    }
  }
}

void Agent::with_endpoints_of(const std::string& network_id, FollowedNetworks::Then then) {
  if (options_.follows_in_use) {
    followed_.require(network_id, std::move(then));
  } else {
    then({});
  }
}

// Written down first: what a killed daemon made in a network is looked for there.
void Agent::follow(const FollowedNetworks::Ids& networks) {
  if (const auto saved = save_state(); !saved) {
    spdlog::error("cannot save the state of this host: {}", saved.error().what);
  }
  if (follow_) {
    follow_(networks);
  }
}

void Agent::expect_endpoints(const std::vector<StoreEvent>& events) {
  std::map<std::string_view, std::size_t> counts;
  for (const auto& event : events) {
    if (const auto* up = std::get_if<store_event::EndpointsUp>(&event)) {
      counts[up->network_id] += up->endpoints.size();
    }
  }
  for (const auto& [network_id, count] : counts) {
    overlay_.expect_endpoints(std::string(network_id), count);
  }
}

void Agent::take_endpoints(store_event::EndpointsUp& up) {
  std::vector<ObjectId> heard_of;
  if (gossip_ && gossip_->has_provisional()) {
    std::ranges::transform(up.endpoints, std::back_inserter(heard_of), &PackedEndpoint::id);
  }
  overlay_.upsert_endpoints(up.network_id, std::move(up.endpoints));
  for (const auto& id : heard_of) {
    gossip_->on_stored(up.network_id, id.to_string());
  }
}

void Agent::take(StoreEvent& event) {
  using namespace store_event;
  std::visit(
      [this](auto& e) {
        using Kind = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<Kind, NetworkUp>) {
          overlay_.upsert_network(e.network);
        } else if constexpr (std::is_same_v<Kind, NetworkGone>) {
          overlay_.erase_network(e.id);
        } else if constexpr (std::is_same_v<Kind, EndpointsUp>) {
          take_endpoints(e);
        } else if constexpr (std::is_same_v<Kind, EndpointGone>) {
          tell_gossip_who_left(e.network_id, e.id);
          overlay_.erase_endpoint(e.network_id, e.id);
          acknowledgements_.forget(e.id);
          if (gossip_) {
            gossip_->on_gone(e.network_id, e.id);
          }
        } else if constexpr (std::is_same_v<Kind, FloatingUp>) {
          unconfirmed_.erase({e.floating.network_id, e.floating.address});
          overlay_.upsert_floating(e.floating);
        } else if constexpr (std::is_same_v<Kind, FloatingGone>) {
          overlay_.erase_floating(e.network_id, e.address);
        } else if constexpr (std::is_same_v<Kind, NodeUp>) {
          nodes_[e.node.vtep] = e.node;
          hosts_gone_.erase(e.node.vtep);
          hosts_changed_ = true;
        } else if constexpr (std::is_same_v<Kind, NodeGone>) {
          nodes_.erase(e.vtep);
          hosts_gone_[e.vtep] = Clock::now();
          hosts_changed_ = true;
        } else if constexpr (std::is_same_v<Kind, DockerNodeUp>) {
          docker_hosts_.insert(e.address);
          hosts_gone_.erase(e.address);
          hosts_changed_ = true;
        } else if constexpr (std::is_same_v<Kind, DockerNodeGone>) {
          if (const auto host = docker_hosts_.find(e.address); host != docker_hosts_.end()) {
            docker_hosts_.erase(host);
            hosts_gone_[e.address] = Clock::now();
            hosts_changed_ = true;
          }
        } else if constexpr (std::is_same_v<Kind, AckRequested>) {
          if (!overlay_.locals().contains(e.endpoint_id)) {
            acknowledgements_.on_requested(e);
          }
        } else if constexpr (std::is_same_v<Kind, Acked>) {
          if (overlay_.locals().contains(e.endpoint_id)) {
            acknowledgements_.on_acked(e);
          }
        } else if constexpr (std::is_same_v<Kind, NetworkRead>) {
          // told to those who wait when the tables have it: tell_who_waits()
        } else if constexpr (std::is_same_v<Kind, Malformed>) {
          spdlog::warn("a key of the store does not parse, keeping its last good value key={} {}",
                       e.key, e.error);
          malformed_[e.key] = e.error;
        } else if constexpr (std::is_same_v<Kind, Mended>) {
          malformed_.erase(e.key);
        } else if constexpr (std::is_same_v<Kind, Outage>) {
          spdlog::warn("lost the store, forwarding goes on by its last state: {}", e.reason);
          store_since_ = store_problem_.empty() ? Clock::now() : store_since_;
          store_problem_ = e.reason;
          if (gossip_) {
            gossip_->on_store(false);
          }
        } else {  // Synced, Recovered
          if (!store_problem_.empty()) {
            store_problem_.clear();
            retry_later();
            if (gossip_) {
              gossip_->on_store(true);
            }
          }
        }
      },
      event);
}

}  // namespace vtepd
