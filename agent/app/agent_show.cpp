// SPDX-License-Identifier: GPL-2.0-only
// What `vtepctl show` asks for. Tables are what the data path holds, not what it should hold.
#include "app/agent.h"
#include "registry/store_audit.h"

#include <algorithm>

#include <unistd.h>

namespace vtepd {

namespace {

constexpr std::uint64_t kNearlyFullPercent = 80;
constexpr std::size_t kNamedVteps = 5;  // the others are counted

std::vector<HeldAddressView> held_views(const Overlay::NetworkRecord& network,
                                        const Overlay::EndpointRecord& endpoint) {
  std::vector<HeldAddressView> views;
  if (const auto held = network.held.find(endpoint.id); held != network.held.end()) {
    for (const auto& address : held->second) {
      views.push_back({address, network.floating.at(address).mac.value_or(endpoint.mac)});
    }
  }
  return views;
}

// The networks that are not followed, into the empty overlay.
Result<std::shared_ptr<Overlay>> read_others(Registry& registry, std::shared_ptr<Overlay> overlay,
                                             const FollowedNetworks::Ids& followed) {
  const auto networks = registry.list_networks();
  if (!networks) {
    return fail(networks.error());
  }
  for (const auto& network : *networks) {
    if (followed.contains(network.id)) {
      continue;
    }
    const auto endpoints = registry.list_endpoints(network.id);
    if (!endpoints) {
      return fail(endpoints.error());
    }
    overlay->upsert_network(network);
    for (const auto& endpoint : *endpoints) {
      overlay->upsert_endpoint(endpoint);
    }
  }
  return overlay;
}

}  // namespace

Vni Agent::vni_of(const LocalEndpoint& local) const {
  const auto& endpoint = local.endpoint;
  const auto& prefix = endpoint.address4 ? endpoint.address4 : endpoint.address6;
  const auto* subnet = prefix ? local.network.subnet_of(prefix->address) : nullptr;
  return subnet == nullptr ? Vni{} : subnet->vni;
}

ViewNames Agent::names() const {
  ViewNames names;
  for (const auto& [id, record] : overlay_.networks()) {
    if (record.network) {
      for (const auto& subnet : record.network->subnets) {
        names.networks[subnet.vni] = record.network->name;
      }
    }
  }
  for (const auto& [id, local] : overlay_.locals()) {
    names.endpoint_ends[{local.host, false}] = local.host_ifname;
    if (local.same_netns) {
      names.endpoint_ends[{local.endpoint_ifindex, true}] = local.ifname;
    }
  }
  if (const auto device = ports_.underlay.device()) {
    names.devices[device->ifindex] = device->name;
  }
  names.endpoint = [this](const FdbKey& key) {
    const auto* owner = overlay_.fdb_owner(key);
    return owner == nullptr ? std::string() : owner->name;
  };
  return names;
}

EndpointView Agent::local_view(const LocalEndpoint& local) const {
  auto view = endpoint_view(local, vni_of(local));
  const auto& network = overlay_.networks().at(local.endpoint.network_id);
  view.held = held_views(network, network.locals.at(*ObjectId::parse(local.endpoint.id)));
  return view;
}

EndpointView Agent::stored_endpoint_view(const Overlay::NetworkRecord& network,
                                         const Overlay::EndpointRecord& endpoint) const {
  EndpointView view{.id = endpoint.id.to_string(),
                    .name = endpoint.name,
                    .network = network.network ? network.network->name : "",
                    .network_id = network.id,
                    .vni = {},
                    .mac = endpoint.mac,
                    .address4 = endpoint.address4,
                    .address6 = endpoint.address6,
                    .vtep = endpoint.vtep};
  const auto& prefix = endpoint.address4 ? endpoint.address4 : endpoint.address6;
  if (network.network && prefix) {
    const auto* subnet = network.network->subnet_of(prefix->address);
    view.vni = subnet == nullptr ? Vni{} : subnet->vni;
  }
  view.mtu = network.network ? network.network->mtu() : 0;
  // Who holds addresses is followed for all networks.
  const auto followed = overlay_.networks().find(network.id);
  view.held =
      held_views(followed == overlay_.networks().end() ? network : followed->second, endpoint);
  const bool leaving = std::any_of(pending_.begin(), pending_.end(),
                                   [&](const Endpoint& p) { return p.id == view.id; });
  view.state = leaving ? "withdrawing" : (endpoint.active ? "up" : "joining");
  return view;
}

void Agent::add_stored_views(const Overlay& overlay, std::vector<EndpointView>& views) const {
  const registry::Hosts hosts{nodes_, {docker_hosts_.begin(), docker_hosts_.end()}};
  const auto known = witness(false);
  for (const auto& [network_id, network] : overlay.networks()) {
    for (const auto& [id, endpoint] : network.endpoints) {
      if (overlay_.locals().contains(id.to_string())) {
        continue;
      }
      auto& view = views.emplace_back(stored_endpoint_view(network, endpoint));
      if (synced_ && registry::why_alive(hosts, known, endpoint.vtep).empty()) {
        view.stale = registry::gone_note(known, endpoint.vtep);
      }
    }
  }
}

// Those of networks that are not in use here are read for the one who asks; with the store away
// they are left out, as the status says.
void Agent::endpoints(Reply<std::vector<EndpointView>> reply) {
  const auto show = [this, reply = std::move(reply)](const Overlay& elsewhere) {
    std::vector<EndpointView> views;
    for (const auto& [id, local] : overlay_.locals()) {
      views.push_back(local_view(local));
    }
    add_stored_views(overlay_, views);
    add_stored_views(elsewhere, views);
    std::sort(views.begin(), views.end(), [](const EndpointView& a, const EndpointView& b) {
      return std::tie(a.network, a.address4, a.id) < std::tie(b.network, b.address4, b.id);
    });
    reply(std::move(views));
  };
  auto empty = std::make_shared<Overlay>(options_.vtep, options_.owner);
  if (!options_.follows_in_use || !store_problem_.empty()) {
    show(*empty);
    return;
  }
  on_worker<std::shared_ptr<Overlay>>(
      [registry = &ports_.registry, vtep = options_.vtep, owner = options_.owner,
       followed = followed_.ids()] {
        return read_others(*registry, std::make_shared<Overlay>(vtep, owner), followed);
      },
      [show, empty](const Result<std::shared_ptr<Overlay>>& elsewhere) {
        show(elsewhere ? **elsewhere : *empty);
      });
}

Result<std::vector<FdbView>> Agent::fdb() {
  const auto state = ports_.dataplane.read_back();
  if (!state) {
    return fail(state.error());
  }
  return fdb_views(*state, names());
}

Result<std::vector<NeighbourView>> Agent::neighbours() {
  const auto state = ports_.dataplane.read_back();
  if (!state) {
    return fail(state.error());
  }
  return neighbour_views(*state, names());
}

Result<std::vector<VtepView>> Agent::vteps() {
  const auto state = ports_.dataplane.read_back();
  if (!state) {
    return fail(state.error());
  }
  auto views = vtep_views(*state, names());
  for (auto& view : views) {
    if (const auto node = nodes_.find(view.address); node != nodes_.end()) {
      view.host = node->second.host;
      view.instance = node->second.instance;
    }
  }
  VtepView own{.address = options_.vtep, .self = true, .reachable = underlay_problem_.empty()};
  own.host = options_.host;
  own.instance = options_.instance;
  own.endpoints = overlay_.locals().size();
  if (const auto device = ports_.underlay.device()) {
    own.device = device->name;
    own.mtu = device->mtu;
  }
  own.next_hop = options_.vtep;
  views.insert(views.begin(), own);
  return views;
}

Result<std::vector<DropView>> Agent::drops() {
  const auto counts = ports_.dataplane.counters();
  if (!counts) {
    return fail(counts.error());
  }
  return drop_views(*counts, names());
}

void Agent::show_gossip(StatusView& view) const {
  view.gossip = gossip_ ? options_.gossip_name : "none";
  if (!gossip_) {
    return;
  }
  const auto state = gossip_->state();
  view.gossip_ok = state.well;
  view.gossip_problem = state.problem;
  view.gossip_members = state.members;
  view.gossip_malformed = state.malformed;
  view.gossip_provisional = state.provisional;
  if (!state.well) {
    const auto down = Clock::now() - state.since;
    view.gossip_down_seconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(down).count());
  }
}

const Overlay::EndpointRecord* Agent::stranger_in(const Overlay::NetworkRecord& network) const {
  const auto found =
      std::find_if(network.endpoints.begin(), network.endpoints.end(), [&](const auto& entry) {
        return entry.second.active && !entry.second.ours && entry.second.vtep == options_.vtep;
      });
  return found == network.endpoints.end() ? nullptr : &found->second;
}

void Agent::collect_problems(StatusView& view) {
  if (!view.gossip_ok) {
    view.problems.push_back("gossip " + options_.gossip_name + " is away for " +
                            std::to_string(view.gossip_down_seconds) + " s (" +
                            view.gossip_problem + "); the store alone carries changes");
  }
  if (!store_problem_.empty()) {
    view.problems.push_back("store " + options_.store_name + " is away for " +
                            std::to_string(view.store_down_seconds) + " s (" + store_problem_ +
                            "); forwarding goes on by its last state");
  }
  if (!underlay_problem_.empty()) {
    view.problems.push_back("underlay: " + underlay_problem_);
  }
  if (!hooked_) {
    view.problems.push_back(
        "data path: the programs of an earlier build forward, by their last state" +
        (hook_problem_.empty() ? ", until the store has told everything"
                               : "; taking over failed: " + hook_problem_));
  }
  for (const auto& error : apply_errors_) {
    view.problems.push_back("data path: " + error);
  }
  for (const auto& [key, error] : malformed_) {
    view.problems.push_back("store key " + key + " does not parse (" + error +
                            "); its last good value stays");
  }
  for (const auto& table : view.tables) {
    if (table.size > 0 && table.used * 100 >= table.size * kNearlyFullPercent) {
      view.problems.push_back("table " + table.name + " holds " + std::to_string(table.used) +
                              " of " + std::to_string(table.size) + " entries; raise " +
                              table.option);
    }
  }
  if (view.checks.starts_with("none")) {
    view.problems.push_back("nobody checks what endpoints and other hosts send (" + view.checks +
                            "); load or install nf_tables and restart vtepd");
  }
  std::size_t unreachable = 0;
  for (const auto& vtep : overlay_.vteps_in_use()) {
    if (!overlay_.route(vtep) && ++unreachable <= kNamedVteps) {
      view.problems.push_back("no underlay route to VTEP " + vtep.to_string());
    }
  }
  if (unreachable > kNamedVteps) {
    view.problems.push_back("no underlay route to " + std::to_string(unreachable - kNamedVteps) +
                            " further VTEPs; `vtepctl show vteps` lists them");
  }
  if (overlay_.conflicts() > 0) {
    view.problems.push_back(std::to_string(overlay_.conflicts()) +
                            " MACs or addresses are claimed by more than one endpoint");
  }
  for (const auto& [id, network] : overlay_.networks()) {
    const auto* stranger = network.locals.empty() ? nullptr : stranger_in(network);
    if (stranger != nullptr && network.network) {
      view.problems.push_back("network '" + network.network->name +
                              "' is used on this host by somebody else, too (endpoint '" +
                              stranger->name +
                              "', perhaps of dockerd), and what is sent to that is lost; "
                              "move it to another host, or detach ours");
    }
  }
  if (!pending_.empty()) {
    view.problems.push_back(std::to_string(pending_.size()) +
                            " endpoints are still to be withdrawn from the store");
  }
}

StatusView Agent::status() {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const auto info = ports_.dataplane.info();
  StatusView view{.version = options_.version, .instance = options_.instance};
  view.pid = ::getpid();
  view.uptime_seconds =
      static_cast<std::uint64_t>(duration_cast<seconds>(Clock::now() - started_).count());
  view.dataplane = info.kind;
  view.mode = info.mode;
  view.mode_reason = info.reason;
  view.attach = info.attach;
  view.tunnel_gro = info.tunnel_gro;
  view.tunnel_state = info.tunnel_state;
  view.headroom = ports_.links.headroom();
  view.tcp_frames = describe_tcp_frames();
  view.checks = info.checks;
  view.vtep = options_.vtep;
  view.port = options_.port;
  if (const auto device = ports_.underlay.device()) {
    view.device = device->name;
    view.underlay_mtu = device->mtu;
  }
  view.store = options_.store_name;
  view.store_ok = store_problem_.empty();
  view.store_problem = store_problem_;
  if (!view.store_ok) {
    view.store_down_seconds =
        static_cast<std::uint64_t>(duration_cast<seconds>(Clock::now() - store_since_).count());
  }
  view.malformed_keys = malformed_;
  view.pending_withdrawals = pending_.size();
  view.moves_limited = moves_.limited();
  show_gossip(view);
  view.networks = overlay_.networks().size();
  view.endpoints = overlay_.endpoint_count();
  view.local_endpoints = overlay_.locals().size();
  view.tables = table_views(ports_.dataplane.usage());
  collect_problems(view);
  view.health = !underlay_problem_.empty() ? Health::Down
                : view.problems.empty()    ? Health::Well
                                           : Health::Degraded;
  return view;
}

}  // namespace vtepd
