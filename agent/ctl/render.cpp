// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/render.h"

#include "ctl/text_table.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vtepd::ctl {

namespace {

constexpr std::size_t kShortId = 12;

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

std::string number(Vni vni) {
  return vni.value == 0 ? "" : std::to_string(vni.value);
}

std::string joined(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : a + ", " + b;
}

template <typename T>
std::string joined(const std::vector<T>& values) {
  std::string text;
  for (const auto& value : values) {
    text = joined(text, value.to_string());
  }
  return text;
}

std::string addresses(const EndpointView& view) {
  return joined(view.address4 ? view.address4->to_string() : "",
                view.address6 ? view.address6->to_string() : "");
}

// With those it holds besides.
std::string all_addresses(const EndpointView& view) {
  auto text = addresses(view);
  for (const auto& held : view.held) {
    text = joined(text, held.address.to_string() +
                            (held.mac == view.mac ? "" : " (" + held.mac.to_string() + ")"));
  }
  return text;
}

std::string text_of(const IpAddress& address) {
  return address.is_unspecified() ? "" : address.to_string();
}

// "name: value" lines with the values below each other. An empty name continues the one before;
// an empty value is left out.
class Sheet {
 public:
  void add(std::string name, const std::string& value) {
    if (!value.empty()) {
      lines_.emplace_back(std::move(name), printable(value));
    }
  }

  [[nodiscard]] std::string text(const std::string& indent = "") const {
    std::size_t width = 0;
    for (const auto& [name, value] : lines_) {
      width = std::max(width, name.size());
    }
    std::string text;
    for (const auto& [name, value] : lines_) {
      text += indent + name + std::string(width - name.size() + 2, ' ') + value + "\n";
    }
    return text;
  }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

std::string state_of(const VtepView& vtep) {
  if (vtep.self) {
    return "this host";
  }
  return vtep.reachable ? "reachable" : "unreachable";
}

std::string in_brackets(const std::string& text) {
  return text.empty() ? "" : " (" + text + ")";
}

void add_parts(Sheet& sheet, const StatusView& status) {
  if (!status.dataplane.empty()) {
    const auto mode = status.mode.empty() ? "" : "/" + status.mode;
    const auto attach = status.attach.empty() ? "" : " by " + status.attach;
    sheet.add("data path", status.dataplane + mode + attach + in_brackets(status.mode_reason));
    sheet.add("tunnel GRO", status.tunnel_gro);
    sheet.add("forwarders", status.tunnel_state);
    sheet.add("headroom", status.headroom);
    sheet.add("TCP frames", status.tcp_frames);
    sheet.add("checks", status.checks);
  }
  if (!status.vtep.is_unspecified()) {
    sheet.add("underlay", status.vtep.to_string() + " on " + status.device + ", MTU " +
                              number(status.underlay_mtu) + ", UDP port " + number(status.port));
  }
  if (!status.store.empty()) {
    sheet.add("store", status.store + (status.store_ok
                                           ? ", well"
                                           : ", away for " + duration(status.store_down_seconds) +
                                                 in_brackets(status.store_problem)));
  }
  if (!status.gossip.empty() && status.gossip != "none") {
    const auto provisional =
        status.gossip_provisional == 0
            ? ""
            : ", " + number(status.gossip_provisional) + " endpoints not yet in the store";
    sheet.add("gossip",
              status.gossip + (status.gossip_ok
                                   ? ", " + number(status.gossip_members) + " nodes" + provisional
                                   : ", away for " + duration(status.gossip_down_seconds) +
                                         in_brackets(status.gossip_problem)));
  }
}

std::string title(const AttachReply& reply) {
  const auto& endpoint = reply.endpoint;
  return (reply.existed ? "already attached: " : "attached: ") + printable(endpoint.name) +
         " to network " + printable(endpoint.network) + "\n";
}

}  // namespace

std::string duration(std::uint64_t seconds) {
  static constexpr std::array<std::pair<std::uint64_t, const char*>, 4> kUnits{
      {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}}};
  std::string text;
  for (const auto& [size, unit] : kUnits) {
    if (seconds >= size || !text.empty() || size == 1) {
      text += (text.empty() ? "" : " ") + number(seconds / size) + unit;
    }
    seconds %= size;
  }
  return text;
}

std::string render(const std::vector<NetworkView>& rows) {
  TextTable table({{"NAME"},
                   {"ID"},
                   {"SUBNET"},
                   {"VNI", true},
                   {"MTU", true},
                   {"ADDRESS-SPACE"},
                   {"ENDPOINTS", true}});
  for (const auto& row : rows) {
    std::string subnets;
    std::string vnis;
    for (const auto& subnet : row.subnets) {
      subnets = joined(subnets, subnet.pool.to_string());
      vnis = joined(vnis, number(subnet.vni));
    }
    table.add({row.name, row.id.substr(0, kShortId),
               joined(subnets, row.v6_pool ? row.v6_pool->to_string() : ""), vnis, number(row.mtu),
               row.address_space, number(row.endpoints)});
  }
  return table.text();
}

std::string render(const std::vector<EndpointView>& rows) {
  TextTable table({{"NETWORK"},
                   {"NAME"},
                   {"ID"},
                   {"ADDRESS"},
                   {"MAC"},
                   {"VTEP"},
                   {"STATE"},
                   {"INTERFACE"},
                   {"NETNS"},
                   {"HOST-END"}});
  for (const auto& row : rows) {
    table.add({row.network, row.name, row.id.substr(0, kShortId), all_addresses(row),
               row.mac.to_string(), row.local ? "local" : text_of(row.vtep),
               row.stale.empty() ? row.state : "stale", row.ifname, row.netns, row.host_ifname});
  }
  return table.text();
}

std::string render_stale(const std::vector<EndpointView>& rows) {
  TextTable table({{"NETWORK"}, {"NAME"}, {"ID"}, {"ADDRESS"}, {"VTEP"}, {"WHY"}});
  for (const auto& row : rows) {
    table.add({row.network, row.name, row.id.substr(0, kShortId), all_addresses(row),
               text_of(row.vtep), row.stale});
  }
  return table.text();
}

std::string render(const std::vector<FdbView>& rows) {
  TextTable table({{"NETWORK"}, {"VNI", true}, {"MAC"}, {"VTEP"}, {"DEVICE"}, {"ENDPOINT"}});
  for (const auto& row : rows) {
    table.add({row.network, number(row.vni), row.mac.to_string(),
               row.vtep ? row.vtep->to_string() : "local", row.device, row.endpoint});
  }
  return table.text();
}

std::string render(const std::vector<NeighbourView>& rows) {
  TextTable table({{"NETWORK"}, {"VNI", true}, {"ADDRESS"}, {"MAC"}});
  for (const auto& row : rows) {
    table.add({row.network, number(row.vni), row.address.to_string(), row.mac.to_string()});
  }
  return table.text();
}

std::string render(const std::vector<VtepView>& rows) {
  TextTable table({{"ADDRESS"},
                   {"HOST"},
                   {"INSTANCE"},
                   {"STATE"},
                   {"NEXT-HOP"},
                   {"DEVICE"},
                   {"MTU", true},
                   {"ENDPOINTS", true}});
  for (const auto& row : rows) {
    table.add({row.address.to_string(), row.host, row.instance, state_of(row),
               row.self ? "" : text_of(row.next_hop), row.device, number(row.mtu),
               number(row.endpoints)});
  }
  return table.text();
}

std::string render(const std::vector<DropView>& rows) {
  TextTable table({{"NETWORK"},
                   {"VNI", true},
                   {"KIND"},
                   {"REASON"},
                   {"PACKETS", true},
                   {"BYTES", true},
                   {"MEANING"}});
  for (const auto& row : rows) {
    table.add({row.network, number(row.vni), row.kind, row.reason, number(row.packets),
               number(row.bytes), row.hint.empty() ? row.text : row.text + "; " + row.hint});
  }
  return table.text();
}

std::string render(const std::vector<DifferenceView>& rows) {
  TextTable table({{"NETWORK"}, {"KIND"}, {"OBJECT"}, {"HAVE"}, {"WANT"}, {"REPAIR"}, {"NOTE"}});
  for (const auto& row : rows) {
    table.add({row.network, row.kind, row.object, row.have, row.want, row.repair, row.note});
  }
  return table.text();
}

std::string render(const RepairReply& reply) {
  TextTable table({{"NETWORK"}, {"KIND"}, {"OBJECT"}, {"FROM"}, {"TO"}, {"STATE"}, {"ERROR"}});
  for (const auto& row : reply.actions) {
    table.add({row.network, row.kind, row.object, row.from, row.to, row.state, row.error});
  }
  return table.text();
}

std::string render(const StatusView& status) {
  static constexpr std::array<const char*, 3> kWords{"well", "degraded", "down"};
  Sheet sheet;
  sheet.add("health", kWords.at(static_cast<std::size_t>(status.health)));
  for (const auto& problem : status.problems) {
    sheet.add("problem", problem);
  }
  const auto running = status.pid == 0 ? std::string("not running")
                                       : "pid " + std::to_string(status.pid) + ", up " +
                                             duration(status.uptime_seconds);
  sheet.add("vtepd", joined(status.version, "instance " + status.instance + ", " + running));
  add_parts(sheet, status);
  if (status.pending_withdrawals > 0) {
    sheet.add("pending", number(status.pending_withdrawals) + " to be withdrawn from the store");
  }
  if (status.moves_limited > 0) {
    sheet.add("moves", number(status.moves_limited) +
                           " announcements were too many for one address and second");
  }
  for (const auto& [key, why] : status.malformed_keys) {
    sheet.add("bad key", key + ": " + why);
  }
  sheet.add("networks", number(status.networks));
  sheet.add("endpoints",
            number(status.endpoints) + ", of which " + number(status.local_endpoints) + " here");
  for (const auto& table : status.tables) {
    const auto size = table.size == 0 ? "" : " of " + number(table.size);
    sheet.add("table", table.name + " " + number(table.used) + size + in_brackets(table.option));
  }
  return sheet.text();
}

std::string render(const NetworkView& network) {
  Sheet sheet;
  sheet.add("name", network.name);
  sheet.add("id", network.id);
  for (const auto& subnet : network.subnets) {
    const auto vni = subnet.vni.value == 0 ? "none yet" : number(subnet.vni);
    sheet.add("subnet", subnet.pool.to_string() + ", gateway " +
                            subnet.gateway.address.to_string() + ", VNI " + vni);
  }
  sheet.add("IPv6 pool", network.v6_pool ? network.v6_pool->to_string() : "");
  sheet.add("MTU", number(network.mtu));
  sheet.add("address space", network.address_space);
  sheet.add("endpoints", number(network.endpoints));
  sheet.add("encrypted", network.secure ? "yes, which vtepd does not support" : "");
  return sheet.text();
}

std::string render(const AttachReply& reply) {
  const auto& endpoint = reply.endpoint;
  Sheet sheet;
  sheet.add("endpoint", endpoint.id);
  sheet.add("address", addresses(endpoint));
  sheet.add("mac", endpoint.mac.to_string());
  sheet.add(
      "interface",
      endpoint.ifname + " in " + endpoint.netns +
          in_brackets(endpoint.host_ifname.empty() ? "" : "host end " + endpoint.host_ifname));
  sheet.add("mtu", number(endpoint.mtu));
  sheet.add("also from", joined(joined(endpoint.allowed_addresses), joined(endpoint.allowed_macs)));
  sheet.add("source", endpoint.source_check ? "" : "not checked");
  for (const auto& host : reply.hosts) {
    sheet.add("host", text_of(host.vtep) + in_brackets(host.host) + " " + host.state);
  }
  return title(reply) + sheet.text("  ");
}

}  // namespace vtepd::ctl
