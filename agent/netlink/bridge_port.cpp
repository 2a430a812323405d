// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/bridge_port.h"

#include <map>
#include <utility>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace vtepd::netlink {

namespace {

ifinfomsg by_index(IfIndex index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index.value);
  return header;
}

}  // namespace

Answer join_bridge(Socket& socket, IfIndex port, IfIndex bridge) {
  Message message(RTM_NEWLINK, 0);
  message.header(by_index(port));
  message.put_u32(IFLA_MASTER, bridge.value);
  return socket.request(message);
}

Result<void> set_bridge_port(Socket& socket, IfIndex port, const std::string& name,
                             const BridgePortInfo& flags) {
  Message message(RTM_NEWLINK, 0);
  message.header(by_index(port));
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    info.nest(IFLA_INFO_SLAVE_DATA, [&](Message& data) {
      data.put_u8(IFLA_BRPORT_LEARNING, flags.learning ? 1 : 0);
      data.put_u8(IFLA_BRPORT_UNICAST_FLOOD, flags.unicast_flood ? 1 : 0);
      data.put_u8(IFLA_BRPORT_MCAST_FLOOD, flags.multicast_flood ? 1 : 0);
      data.put_u8(IFLA_BRPORT_BCAST_FLOOD, flags.broadcast_flood ? 1 : 0);
      data.put_u8(IFLA_BRPORT_ISOLATED, flags.isolated ? 1 : 0);
    });
  });
  return socket.request(message).result("set how the bridge treats its port '" + name + "'");
}

Result<std::vector<LinkInfo>> list_bridge_ports(Socket& socket, IfIndex bridge) {
  Message message(RTM_GETLINK, NLM_F_DUMP);
  message.header(ifinfomsg{});
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  message.put_u32(IFLA_MASTER, bridge.value);
  std::map<IfIndex, LinkInfo> found;
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    const auto link = parse_link(reply);
    // A kernel that does not know the filter lists all.
    if (link && link->master == bridge) {
      found[link->index] = *link;
    } else if (link) {
      found.erase(link->index);
    }
  });
  if (!answer.ok()) {
    return fail(answer.describe("list the ports of bridge " + std::to_string(bridge.value)));
  }
  std::vector<LinkInfo> ports;
  ports.reserve(found.size());
  for (auto& entry : found) {
    ports.push_back(std::move(entry.second));
  }
  return ports;
}

}  // namespace vtepd::netlink
