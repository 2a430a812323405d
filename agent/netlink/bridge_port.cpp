// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/bridge_port.h"

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

}  // namespace vtepd::netlink
