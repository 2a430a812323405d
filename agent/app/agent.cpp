// SPDX-License-Identifier: GPL-2.0-only
// Start, the underlay's changes, and the way from a change to the data path.
#include "app/agent.h"

#include "vtepd/reasons.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

constexpr auto kFirstRetry = 500ms;
constexpr auto kLastRetry = 30s;
// The store is asked at most this often because of frames from unknown VTEPs.
constexpr auto kRefreshInterval = 1s;
}  // namespace

Agent::Agent(Options options, Ports ports)
    : options_(std::move(options)),
      ports_(ports),
      overlay_(options_.vtep, options_.owner),
      followed_(ports.loop, {[this](const std::string& id) { return overlay_.is_used_here(id); },
                             [this](const auto& ids) { follow(ids); }}),
      retry_timer_(ports.loop.make_timer()),
      verify_timer_(ports.loop.make_timer()),
      move_timer_(ports.loop.make_timer()) {
  if (ports_.gossip != nullptr) {
    gossip_.emplace(*ports_.gossip, ports_.loop, overlay_,
                    GossipDesk::Hands{[this](const auto& orders) { on_gossip(orders); }});
  }
}

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
  if (options_.follows_in_use) {
    FollowedNetworks::Ids networks(saved_.networks.begin(), saved_.networks.end());
    for (const auto& [id, local] : overlay_.locals()) {
      networks.insert(local.endpoint.network_id);
    }
    followed_.begin(networks);
  }
  for (const auto& floating : std::exchange(saved_.floating, {})) {
    if (overlay_.locals().contains(floating.endpoint_id)) {
      overlay_.upsert_floating(floating);
      unconfirmed_.emplace(floating.network_id, floating.address);
    }
  }
  // Only additions: what an earlier run put there for other hosts stays until the store speaks.
  auto delta = overlay_.take_difference(*held);
  delta.fdb_remove.clear();
  delta.neighbours_remove.clear();
  delta.peers_remove.clear();
  delta.members_remove.clear();
  delta.vnis_remove.clear();
  note_failures(ports_.dataplane.apply(delta));
  if (ports_.dataplane.carries_on()) {
    if (auto hooked = hook_up(); !hooked) {
      return hooked;
    }
  } else {
    spdlog::warn("the programs of an earlier build forward until the store has told everything");
  }
  verify_host_ends(true);
  follow_segmentation();
  ports_.underlay.subscribe([this](const auto& links_gone) { on_underlay_change(links_gone); });
  publish_node();
  verify_later();
  if (gossip_) {
    start_gossip();
  }
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

void Agent::route_new_peers() {
  const auto unrouted = overlay_.unrouted();
  for (const auto& vtep : unrouted) {
    const auto route = ports_.underlay.resolve(vtep);
    overlay_.set_route(vtep,
                       route ? std::optional(PeerRoute{route->next_hop, route->ifindex, route->mtu})
                             : std::nullopt);
  }
  if (!unrouted.empty()) {
    follow_segmentation();
  }
}

ApplyReport Agent::program() {
  if (gossip_) {
    gossip_->on_local_change();
  }
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
  const auto delta = overlay_.take_difference(*held);
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
  const Node node{.vtep = options_.vtep,
                  .host = options_.host,
                  .instance = options_.instance,
                  .gossip_port = options_.gossip_port};
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
  if (event.reason != VTEP_NOT_MEMBER) {
    on_miss(event);
  } else if (refresh_store(kRefreshInterval)) {
    spdlog::info("reading the store at once: frames from a VTEP that is no member vtep={} vni={}",
                 event.address.to_string(), event.vni.value);
  }
}

bool Agent::refresh_store(std::chrono::milliseconds interval) {
  const auto now = Clock::now();
  if (!refresh_ || now - last_refresh_ < interval) {
    return false;
  }
  last_refresh_ = now;
  refresh_();
  return true;
}

void Agent::on_underlay_change(const std::vector<std::string>& links_gone) {
  on_links_gone(links_gone);
  follow_routes();
  (void)program();
}

void Agent::on_links_gone(const std::vector<std::string>& names) {
  std::vector<LocalEndpoint> gone;
  for (const auto& [id, local] : overlay_.locals()) {
    if (std::find(names.begin(), names.end(), local.host_ifname) == names.end()) {
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
  follow_segmentation();
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
