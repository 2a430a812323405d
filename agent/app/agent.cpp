// SPDX-License-Identifier: GPL-2.0-only
// Start, the store's events, the underlay's changes, and the way from a change to the data path.
#include "app/agent.h"

#include "vtepd/reasons.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

constexpr auto kFirstRetry = 500ms;
constexpr auto kLastRetry = 30s;
// The store is asked at most this often because of frames from unknown VTEPs.
constexpr auto kRefreshInterval = 1s;
// How often programs and pins are looked at: somebody else may have taken them off.

}  // namespace

Agent::Agent(Options options, Ports ports)
    : options_(std::move(options)),
      ports_(ports),
      overlay_(options_.vtep, options_.owner),
      retry_timer_(ports.loop.make_timer()),
      verify_timer_(ports.loop.make_timer()),
      move_timer_(ports.loop.make_timer()) {}

Agent::~Agent() = default;

Result<void> Agent::start(SavedState saved, std::vector<Endpoint> pending) {
  const auto held = ports_.dataplane.read_back();
  if (!held) {
    return fail(held.error());
  }
  overlay_.adopt_peer_ids(*held);
  saved_ = std::move(saved);
  pending_ = std::move(pending);
  for (const auto& endpoint : pending_) {
    remove_interface(host_ifname_of(endpoint.id));  // its detach may not have got that far
  }
  auto endpoints = std::exchange(saved_.endpoints, {});
  for (const auto& local : endpoints) {
    adopt(local);
  }
  for (const auto& floating : std::exchange(saved_.floating, {})) {
    if (overlay_.locals().contains(floating.endpoint_id)) {
      overlay_.upsert_floating(floating);
      unconfirmed_.emplace(floating.network_id, floating.address);
    }
  }
  // Only additions: what an earlier run put there for other hosts stays until the store speaks.
  auto delta = diff(*held, overlay_.desired());
  delta.fdb_remove.clear();
  delta.neighbours_remove.clear();
  delta.peers_remove.clear();
  delta.members_remove.clear();
  delta.vnis_remove.clear();
  (void)overlay_.take_delta();
  note_failures(ports_.dataplane.apply(delta));
  if (ports_.dataplane.carries_on()) {
    if (auto hooked = hook_up(); !hooked) {
      return hooked;
    }
  } else {
    spdlog::warn("the programs of an earlier build forward until the store has told everything");
  }
  ports_.underlay.subscribe([this](const auto& links_gone) { on_underlay_change(links_gone); });
  publish_node();
  verify_later();
  return save_state();
}

// Takes a saved endpoint over if its interface is still the one we made in this boot; else it went
// while no daemon ran, and the store must hear of it.
void Agent::adopt(const LocalEndpoint& local) {
  const bool leaving = std::any_of(pending_.begin(), pending_.end(),
                                   [&](const Endpoint& p) { return p.id == local.endpoint.id; });
  if (leaving) {
    return;
  }
  if (local.boot_id == options_.boot_id && keep_name(local)) {
    overlay_.upsert_local(local);
    return;
  }
  spdlog::info("endpoint went while the daemon was down, withdrawing it endpoint={} network={}",
               local.endpoint.name, local.network.name);
  pending_.push_back(local.endpoint);
}

void Agent::on_store_events(std::vector<StoreEvent> events) {
  for (const auto& event : events) {
    take(event);
  }
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

void Agent::take(const StoreEvent& event) {
  using namespace store_event;
  std::visit(
      [this](const auto& e) {
        using Kind = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<Kind, NetworkUp>) {
          overlay_.upsert_network(e.network);
        } else if constexpr (std::is_same_v<Kind, NetworkGone>) {
          overlay_.erase_network(e.id);
        } else if constexpr (std::is_same_v<Kind, EndpointUp>) {
          overlay_.upsert_endpoint(e.endpoint);
        } else if constexpr (std::is_same_v<Kind, EndpointGone>) {
          overlay_.erase_endpoint(e.network_id, e.id);
          acknowledgements_.forget(e.id);
        } else if constexpr (std::is_same_v<Kind, FloatingUp>) {
          unconfirmed_.erase({e.floating.network_id, e.floating.address});
          overlay_.upsert_floating(e.floating);
        } else if constexpr (std::is_same_v<Kind, FloatingGone>) {
          overlay_.erase_floating(e.network_id, e.address);
        } else if constexpr (std::is_same_v<Kind, NodeUp>) {
          nodes_[e.node.vtep] = e.node;
        } else if constexpr (std::is_same_v<Kind, NodeGone>) {
          nodes_.erase(e.vtep);
        } else if constexpr (std::is_same_v<Kind, AckRequested>) {
          if (!overlay_.locals().contains(e.endpoint_id)) {
            acknowledgements_.on_requested(e);
          }
        } else if constexpr (std::is_same_v<Kind, Acked>) {
          if (overlay_.locals().contains(e.endpoint_id)) {
            acknowledgements_.on_acked(e);
          }
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
        } else {  // Synced, Recovered
          if (!store_problem_.empty()) {
            store_problem_.clear();
            retry_later();
          }
        }
      },
      event);
}

void Agent::route_new_peers() {
  for (const auto& vtep : overlay_.unrouted()) {
    const auto route = ports_.underlay.resolve(vtep);
    overlay_.set_route(vtep,
                       route ? std::optional(PeerRoute{route->next_hop, route->ifindex, route->mtu})
                             : std::nullopt);
  }
}

ApplyReport Agent::program() {
  route_new_peers();
  auto delta = overlay_.take_delta();
  if (!synced_) {
    // The desired state is not complete yet; reconcile() removes what turns out to be stale.
    delta.fdb_remove.clear();
    delta.neighbours_remove.clear();
    delta.members_remove.clear();
    delta.peers_remove.clear();
  }
  if (delta.empty()) {
    return {};
  }
  auto report = ports_.dataplane.apply(delta);
  note_failures(report);
  announce_moved();
  return report;
}

void Agent::note_failures(const ApplyReport& report) {
  overlay_.mark(report.failed);
  const auto before = std::exchange(apply_errors_, {});
  for (const auto& error : report.errors) {
    apply_errors_.push_back(error.what);
    if (std::find(before.begin(), before.end(), error.what) == before.end()) {
      spdlog::error("the data path did not take everything: {}", error.what);
    }
  }
  if (!apply_errors_.empty()) {
    retry_later();
  }
}

void Agent::reconcile() {
  const auto held = ports_.dataplane.read_back();
  if (!held) {
    spdlog::error("cannot read the data path's tables: {}", held.error().what);
    return;
  }
  route_new_peers();
  (void)overlay_.take_delta();
  (void)overlay_.take_moved();
  const auto delta = diff(*held, overlay_.desired());
  note_failures(ports_.dataplane.apply(delta));
  // What moved while no daemon ran is news to the endpoints.
  for (const auto& [key, mac] : delta.neighbours_put) {
    if (held->neighbours.contains(key)) {
      announce(key, mac);
    }
  }
}

void Agent::retry_later() {
  if (retry_delay_ == 0ms) {
    retry_delay_ = kFirstRetry;
  }
  retry_timer_->set(retry_delay_, [this] {
    retry_delay_ = std::min<std::chrono::milliseconds>(retry_delay_ * 2, kLastRetry);
    (void)program();
    hook_up_late();
    if (!node_published_) {
      publish_node();
    }
    if (!pending_.empty() && store_problem_.empty()) {
      enqueue(
          [this](const Done& done) { withdraw_pending([done](const Result<void>&) { done(); }); });
    }
    const bool well = apply_errors_.empty() && node_published_ && pending_.empty() && hooked_;
    if (well) {
      retry_delay_ = 0ms;
    } else {
      retry_later();
    }
  });
}

void Agent::publish_node() {
  using Session = std::shared_ptr<KvSession>;
  const Node node{.vtep = options_.vtep, .host = options_.host, .instance = options_.instance};
  on_worker<Session>(
      [ports = ports_, node]() -> Result<Session> {
        auto session = ports.store.create_session();
        if (!session) {
          return fail(session.error());
        }
        if (auto published = ports.registry.publish_node(node, **session); !published) {
          return fail(published.error());
        }
        return Session(std::move(*session));
      },
      [this](const Result<Session>& published) {
        node_published_ = published.has_value();
        if (published) {
          session_ = *published;
          return;
        }
        spdlog::warn("cannot publish this host in the store, trying again: {}",
                     published.error().what);
        retry_later();
      });
}

void Agent::on_dataplane_event(const DataplaneEvent& event) {
  spdlog::debug("data path event reason={} vni={} ifindex={} mac={} address={}",
                reason_name(event.reason), event.vni.value, event.ifindex.value,
                event.mac.to_string(), event.address.to_string());
  if (event.reason == VTEP_ANNOUNCED) {
    on_announcement(event);
    return;
  }
  const auto now = Clock::now();
  if (event.reason != VTEP_NOT_MEMBER || !refresh_ || now - last_refresh_ < kRefreshInterval) {
    return;
  }
  last_refresh_ = now;
  spdlog::info("reading the store at once: frames from a VTEP that is no member vtep={} vni={}",
               event.address.to_string(), event.vni.value);
  refresh_();
}

void Agent::on_underlay_change(const std::vector<std::string>& links_gone) {
  std::vector<LocalEndpoint> gone;
  for (const auto& [id, local] : overlay_.locals()) {
    const bool named =
        std::find(links_gone.begin(), links_gone.end(), local.host_ifname) != links_gone.end();
    if (!named) {
      continue;
    }
    // A renamed interface is reported under the name that is gone, but it is still there.
    if (!keep_name(local)) {
      gone.push_back(local);
    }
  }
  for (const auto& local : gone) {
    spdlog::info("interface went, withdrawing its endpoint endpoint={} interface={}",
                 local.endpoint.name, local.host_ifname);
    remove_local(local.endpoint.id);
  }
  if (!gone.empty()) {
    enqueue(
        [this](const Done& done) { withdraw_pending([done](const Result<void>&) { done(); }); });
  }
  follow_routes();
  (void)program();
}

void Agent::follow_routes() {
  const auto device = ports_.underlay.device();
  const auto problem = device ? std::string() : device.error().what;
  if (problem != underlay_problem_) {
    if (!problem.empty()) {
      spdlog::error("the underlay is gone: {}", problem);
    }
    underlay_problem_ = problem;
  }
  if (device && hooked_ && (device->ifindex != hooked_->ifindex || device->mac != hooked_->mac)) {
    if (const auto hooked = ports_.dataplane.attach_underlay(*device); hooked) {
      const auto info = ports_.dataplane.info();
      spdlog::info("underlay device changed device={} mac={} mode={}", device->name,
                   device->mac.to_string(), info.mode);
      hooked_ = *device;
    } else {
      spdlog::error("cannot use the underlay device {}: {}", device->name, hooked.error().what);
    }
  }
  for (const auto& vtep : overlay_.vteps_in_use()) {
    const auto route = ports_.underlay.resolve(vtep);
    overlay_.set_route(vtep,
                       route ? std::optional(PeerRoute{route->next_hop, route->ifindex, route->mtu})
                             : std::nullopt);
  }
}

void Agent::enqueue(std::function<void(Done)> operation) {
  operations_.push_back(std::move(operation));
  if (!busy_) {
    next_operation();
  }
}

void Agent::next_operation() {
  if (operations_.empty()) {
    busy_ = false;
    return;
  }
  busy_ = true;
  auto operation = std::move(operations_.front());
  operations_.pop_front();
  // Through the loop, so that a long queue does not become a deep stack.
  operation([this, alive = std::weak_ptr<int>(alive_)] {
    ports_.loop.post([this, alive] {
      if (!alive.expired()) {
        next_operation();
      }
    });
  });
}

}  // namespace vtepd
