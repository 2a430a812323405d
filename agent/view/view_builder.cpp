// SPDX-License-Identifier: GPL-2.0-only
#include "view/view_builder.h"

#include "vtepd/reasons.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace vtepd {

namespace {

struct Reason {
  std::string_view name;
  std::string_view kind;
  std::string_view text;
  std::string_view hint;
};

constexpr std::string_view kForward = "forward";
constexpr std::string_view kPass = "pass";
constexpr std::string_view kDrop = "drop";

#define VTEP_REASON_ROW(name, kind, text, hint) Reason{#name, kKind_##kind, text, hint},
#define kKind_FORWARD kForward
#define kKind_PASS kPass
#define kKind_DROP kDrop
constexpr std::array kReasons{VTEP_REASONS(VTEP_REASON_ROW)};
#undef kKind_FORWARD
#undef kKind_PASS
#undef kKind_DROP
#undef VTEP_REASON_ROW

template <typename Map>
std::string name_in(const Map& names, const typename Map::key_type& key) {
  const auto place = names.find(key);
  return place == names.end() ? std::string() : place->second;
}

}  // namespace

std::string reason_name(std::uint32_t reason) {
  return reason < kReasons.size() ? std::string(kReasons.at(reason).name) : std::to_string(reason);
}

std::string device_of(const FdbEntry& entry, const ViewNames& names) {
  const auto name = name_in(names.endpoint_ends, {entry.ifindex, entry.same_netns});
  return name.empty() ? "if" + std::to_string(entry.ifindex.value) : name;
}

std::vector<FdbView> fdb_views(const ForwardingState& state, const ViewNames& names) {
  std::vector<FdbView> rows;
  rows.reserve(state.fdb.size());
  for (const auto& [key, entry] : state.fdb) {
    FdbView row{.network = name_in(names.networks, key.vni), .vni = key.vni, .mac = key.mac};
    if (entry.vtep_id != 0) {
      const auto peer = state.peers.find(entry.vtep_id);
      row.vtep = peer == state.peers.end() ? IpAddress::v4(0) : peer->second.remote;
    } else {
      row.device = device_of(entry, names);
    }
    if (names.endpoint) {
      row.endpoint = names.endpoint(key);
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const FdbView& a, const FdbView& b) {
    return std::tie(a.vni, a.mac) < std::tie(b.vni, b.mac);
  });
  return rows;
}

std::vector<NeighbourView> neighbour_views(const ForwardingState& state, const ViewNames& names) {
  std::vector<NeighbourView> rows;
  rows.reserve(state.neighbours.size());
  for (const auto& [key, mac] : state.neighbours) {
    rows.push_back({.network = name_in(names.networks, key.vni),
                    .vni = key.vni,
                    .address = key.address,
                    .mac = mac});
  }
  std::sort(rows.begin(), rows.end(), [](const NeighbourView& a, const NeighbourView& b) {
    return std::tie(a.vni, a.address) < std::tie(b.vni, b.address);
  });
  return rows;
}

std::vector<VtepView> vtep_views(const ForwardingState& state, const ViewNames& names) {
  std::map<std::uint32_t, std::uint64_t> endpoints;
  for (const auto& [key, entry] : state.fdb) {
    ++endpoints[entry.vtep_id];
  }
  std::vector<VtepView> rows;
  for (const auto& [id, peer] : state.peers) {
    const auto device = name_in(names.devices, peer.ifindex);
    rows.push_back({.address = peer.remote,
                    .id = id,
                    .reachable = peer.reachable,
                    .next_hop = peer.next_hop,
                    .device = device.empty() && peer.ifindex.value != 0
                                  ? "if" + std::to_string(peer.ifindex.value)
                                  : device,
                    .mtu = peer.mtu,
                    .host = {},
                    .instance = {},
                    .endpoints = endpoints[id]});
  }
  std::sort(rows.begin(), rows.end(),
            [](const VtepView& a, const VtepView& b) { return a.address < b.address; });
  return rows;
}

std::vector<DropView> drop_views(const std::vector<ReasonCount>& counts, const ViewNames& names) {
  std::vector<ReasonCount> sorted;
  std::copy_if(counts.begin(), counts.end(), std::back_inserter(sorted),
               [](const ReasonCount& count) { return count.packets != 0; });
  std::sort(sorted.begin(), sorted.end(), [](const ReasonCount& a, const ReasonCount& b) {
    return std::tie(a.vni, a.reason) < std::tie(b.vni, b.reason);
  });
  std::vector<DropView> rows;
  rows.reserve(sorted.size());
  for (const auto& count : sorted) {
    const auto reason = count.reason < kReasons.size() ? kReasons.at(count.reason)
                                                       : Reason{"", kDrop, "unknown reason", ""};
    rows.push_back({.network = name_in(names.networks, count.vni),
                    .vni = count.vni,
                    .reason = reason_name(count.reason),
                    .kind = std::string(reason.kind),
                    .text = std::string(reason.text),
                    .hint = std::string(reason.hint),
                    .packets = count.packets,
                    .bytes = count.bytes});
  }
  return rows;
}

std::vector<StatusView::Table> table_views(const std::vector<TableUsage>& usage) {
  std::vector<StatusView::Table> rows;
  rows.reserve(usage.size());
  for (const auto& table : usage) {
    rows.push_back({table.table, table.used, table.size, table.option});
  }
  return rows;
}

EndpointView endpoint_view(const LocalEndpoint& local, Vni vni) {
  return {.id = local.endpoint.id,
          .name = local.endpoint.name,
          .network = local.network.name,
          .network_id = local.network.id,
          .vni = vni,
          .mac = local.endpoint.mac,
          .address4 = local.endpoint.address4,
          .address6 = local.endpoint.address6,
          .vtep = local.endpoint.vtep,
          .local = true,
          .state = "up",
          .netns = local.netns_path,
          .ifname = local.ifname,
          .host_ifname = local.host_ifname,
          .allowed_addresses = {local.allowed_addresses.begin(), local.allowed_addresses.end()},
          .allowed_macs = {local.allowed_macs.begin(), local.allowed_macs.end()},
          .source_check = local.source_check,
          .mtu = local.network.mtu()};
}

EndpointView endpoint_view(const Network& network, const Endpoint& endpoint) {
  EndpointView view{.id = endpoint.id,
                    .name = endpoint.name,
                    .network = network.name,
                    .network_id = network.id,
                    .vni = {},
                    .mac = endpoint.mac,
                    .address4 = endpoint.address4,
                    .address6 = endpoint.address6,
                    .vtep = endpoint.vtep,
                    .state = endpoint.active() ? "up" : "joining",
                    .mtu = network.mtu()};
  const auto& prefix = endpoint.address4 ? endpoint.address4 : endpoint.address6;
  const auto* subnet = prefix ? network.subnet_of(prefix->address) : nullptr;
  view.vni = subnet == nullptr ? Vni{} : subnet->vni;
  return view;
}

NetworkView network_view(const Network& network, std::uint64_t endpoints) {
  NetworkView view{.id = network.id,
                   .name = network.name,
                   .address_space = network.address_space,
                   .subnets = {},
                   .v6_pool = network.v6_pool,
                   .mtu = network.mtu(),
                   .secure = network.secure,
                   .endpoints = endpoints};
  for (const auto& subnet : network.subnets) {
    view.subnets.push_back({subnet.pool, subnet.gateway, subnet.vni});
  }
  return view;
}

}  // namespace vtepd
