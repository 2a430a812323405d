// SPDX-License-Identifier: GPL-2.0-only
// What `vtepctl show` asks for. Tables are what the data path holds, not what it should hold.
#include "app/agent.h"

#include <algorithm>

#include <unistd.h>

namespace vtepd {

namespace {

constexpr std::uint64_t kNearlyFullPercent = 80;

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
    names.devices[local.host] = local.host_ifname;
    names.devices.try_emplace(local.endpoint_ifindex, local.ifname);
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
  view.held = held_views(network, network.locals.at(local.endpoint.id));
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
  view.held = held_views(network, endpoint);
  const bool leaving = std::any_of(pending_.begin(), pending_.end(),
                                   [&](const Endpoint& p) { return p.id == view.id; });
  view.state = leaving ? "withdrawing" : (endpoint.active ? "up" : "joining");
  return view;
}

Result<std::vector<EndpointView>> Agent::endpoints() {
  std::vector<EndpointView> views;
  for (const auto& [id, local] : overlay_.locals()) {
    views.push_back(local_view(local));
  }
  for (const auto& [network_id, network] : overlay_.networks()) {
    for (const auto& [id, endpoint] : network.endpoints) {
      if (!overlay_.locals().contains(id.to_string())) {
        views.push_back(stored_endpoint_view(network, endpoint));
      }
    }
  }
  std::sort(views.begin(), views.end(), [](const EndpointView& a, const EndpointView& b) {
    return std::tie(a.network, a.address4, a.id) < std::tie(b.network, b.address4, b.id);
  });
  return views;
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
  for (const auto& vtep : overlay_.vteps_in_use()) {
    if (!overlay_.route(vtep)) {
      view.problems.push_back("no underlay route to VTEP " + vtep.to_string());
    }
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
