// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/vni_devices.h"

#include "netlink/bridge_port.h"
#include "netlink/netns.h"
#include "netlink/sysctl.h"

#include <cerrno>
#include <charconv>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace vtepd::netlink {

namespace {

constexpr std::uint8_t kTtl = 64;
constexpr std::uint32_t kMinIpv6Mtu = 1280;  // RFC 8200 section 5
constexpr BridgePortInfo kTowardsVxlan{
    .unicast_flood = true, .multicast_flood = true, .broadcast_flood = true};
constexpr BridgePortInfo kTowardsEndpoint{};

std::string bridge_name(Vni vni) {
  return "br" + std::to_string(vni.value);
}

std::string vxlan_name(Vni vni) {
  return "vx" + std::to_string(vni.value);
}

std::optional<Vni> vni_in(const std::string& name, const std::string& prefix) {
  std::uint32_t value = 0;
  const char* end = name.data() + name.size();
  if (!name.starts_with(prefix) ||
      std::from_chars(name.data() + prefix.size(), end, value).ptr != end) {
    return std::nullopt;
  }
  const auto vni = Vni::create(value);
  return vni ? std::optional(*vni) : std::nullopt;
}

// DSCP in its place of the TOS byte; ECN is the kernel's business (RFC 6040).
std::uint8_t tos_of(const VniEntry& entry) {
  return static_cast<std::uint8_t>(entry.dscp << 2U);
}

ifinfomsg link_header(IfIndex index, std::uint32_t flags = 0, std::uint32_t change = 0) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index.value);
  header.ifi_flags = flags;
  header.ifi_change = change;
  return header;
}

Result<void> set_mtu(Socket& socket, const LinkInfo& link, std::uint32_t mtu) {
  if (link.mtu == mtu) {
    return {};
  }
  Message message(RTM_NEWLINK, 0);
  message.header(link_header(link.index));
  message.put_u32(IFLA_MTU, mtu);
  return socket.request(message).result("set the MTU of '" + link.name + "' to " +
                                        std::to_string(mtu));
}

Result<void> set_master(Socket& socket, IfIndex port, IfIndex bridge, const std::string& name) {
  return join_bridge(socket, port, bridge)
      .result("make '" + name + "' a port of its network's bridge");
}

Error no_such_kind(const Answer& answer, const std::string& kind) {
  return {ErrorKind::Unavailable, "the kernel has no " + kind + " devices (" +
                                      answer.describe("create one").what + "); load the module '" +
                                      kind + "' (modprobe " + kind + ") or install it"};
}

}  // namespace

Result<VniDevices> VniDevices::open(int netns, const IpAddress& vtep, std::uint16_t port) {
  auto outside = Socket::open();
  if (!outside) {
    return fail(outside.error());
  }
  auto inside = in_netns(netns, [] { return Socket::open(); });
  if (!inside) {
    return fail(inside.error());
  }
  return VniDevices(std::move(*outside), std::move(*inside), netns, vtep, port);
}

bool VniDevices::is_right_vxlan(const LinkInfo& link, Vni vni) const {
  const auto& vxlan = link.vxlan;
  return vxlan && vxlan->vni == vni.value && vxlan->port == port_ && vxlan->local == vtep_ &&
         vxlan->proxy && vxlan->l2miss && vxlan->l3miss && !vxlan->learning && !vxlan->external &&
         !vxlan->has_remote && !vxlan->checksum && vxlan->ttl == kTtl && vxlan->df == VXLAN_DF_SET;
}

bool VniDevices::is_right_port(const LinkInfo& link) {
  return link.is_up() && link.bridge_port == kTowardsEndpoint;
}

Result<OverlayLinks> VniDevices::list() {
  const auto links = list_links(inside_);
  if (!links) {
    return fail(links.error());
  }
  OverlayLinks found;
  std::map<IfIndex, Vni> bridges;
  for (const auto& link : *links) {
    if (const auto vni = vni_in(link.name, "br"); vni && link.kind == "bridge") {
      bridges.emplace(link.index, *vni);
      found.vnis[*vni].bridge = link.index;
    }
  }
  for (const auto& link : *links) {
    const auto bridge = bridges.find(link.master);
    if (const auto vni = vni_in(link.name, "vx"); vni && link.kind == "vxlan") {
      found.vnis[*vni].vxlan = link.index;
      found.vni_of_vxlan.emplace(link.index, *vni);
      if (is_right_vxlan(link, *vni) && link.is_up() && link.bridge_port == kTowardsVxlan &&
          bridge != bridges.end() && bridge->second == *vni) {
        found.entries[*vni] = {.mtu = link.mtu,
                               .dscp = static_cast<std::uint8_t>(link.vxlan->tos >> 2U)};
      }
    } else if (link.kind == "veth" && bridge != bridges.end()) {
      found.ports.emplace(link.index, link);
      found.vni_of_port.emplace(link.index, bridge->second);
    }
  }
  return found;
}

Result<VniPair> VniDevices::put(Vni vni, const VniEntry& entry) {
  const auto bridge = put_bridge(vni, entry);
  if (!bridge) {
    return fail(bridge.error());
  }
  const auto vxlan = put_vxlan(vni, entry);
  if (!vxlan) {
    return fail(vxlan.error());
  }
  const std::string name = vxlan_name(vni);
  if (auto joined = set_master(inside_, *vxlan, *bridge, name); !joined) {
    return fail(joined.error());
  }
  if (auto set = set_bridge_port(inside_, *vxlan, name, kTowardsVxlan); !set) {
    return fail(set.error());
  }
  return VniPair{*bridge, *vxlan};
}

Result<IfIndex> VniDevices::put_bridge(Vni vni, const VniEntry& entry) {
  const std::string name = bridge_name(vni);
  Message message(RTM_NEWLINK, NLM_F_CREATE);
  message.header(link_header({}, IFF_UP | IFF_NOARP, IFF_UP | IFF_NOARP));
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_MTU, entry.mtu);
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_string(IFLA_INFO_KIND, "bridge");
    info.nest(IFLA_INFO_DATA, [&](Message& data) {
      data.put_u32(IFLA_BR_STP_STATE, 0);
      data.put_u8(IFLA_BR_MCAST_SNOOPING, 0);
    });
  });
  const Answer answer = inside_.request(message);
  if (answer.error == EOPNOTSUPP) {
    return fail(no_such_kind(answer, "bridge"));
  }
  if (!answer.ok()) {
    return fail(answer.describe("set up bridge '" + name + "'"));
  }
  const auto link = find_link(inside_, name);
  if (!link || !*link) {
    return fail(link ? Error{ErrorKind::NotFound, "bridge '" + name + "' went right after it came"}
                     : link.error());
  }
  return (*link)->index;
}

Result<IfIndex> VniDevices::put_vxlan(Vni vni, const VniEntry& entry) {
  const std::string name = vxlan_name(vni);
  auto link = find_link(inside_, name);
  if (link && *link && !is_right_vxlan(**link, vni)) {
    if (auto gone = delete_link(inside_, (*link)->index, name); !gone) {
      return fail(gone.error());
    }
    link->reset();
  }
  if (link && !*link) {
    if (auto made = request_vxlan(vni, entry); !made) {
      return fail(made.error());
    }
    link = find_link(inside_, name);
  }
  if (!link || !*link) {
    return fail(link ? Error{ErrorKind::NotFound, "'" + name + "' went right after it came"}
                     : link.error());
  }
  if (auto set = set_mtu(inside_, **link, entry.mtu); !set) {
    return fail(set.error());
  }
  if (auto set = allow_neighbours(name, entry.mtu); !set) {
    return fail(set.error());
  }
  if (auto up = set_up_vxlan(**link); !up) {
    return fail(up.error());
  }
  return (*link)->index;
}

// Asked for in the underlay's namespace, where its socket is to be.
Result<void> VniDevices::request_vxlan(Vni vni, const VniEntry& entry) {
  const std::string name = vxlan_name(vni);
  const bool v4 = vtep_.is_v4();
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns_));
  message.put_u32(IFLA_MTU, entry.mtu);
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_string(IFLA_INFO_KIND, "vxlan");
    info.nest(IFLA_INFO_DATA, [&](Message& data) {
      data.put_u32(IFLA_VXLAN_ID, vni.value);
      data.put_u16(IFLA_VXLAN_PORT, htons(port_));
      data.put_bytes(v4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, to_wire(vtep_));
      data.put_u8(IFLA_VXLAN_TTL, kTtl);
      data.put_u8(IFLA_VXLAN_TOS, tos_of(entry));
      data.put_u8(IFLA_VXLAN_DF, VXLAN_DF_SET);
      data.put_u8(IFLA_VXLAN_LEARNING, 0);
      data.put_u8(IFLA_VXLAN_PROXY, 1);
      data.put_u8(IFLA_VXLAN_L2MISS, 1);
      data.put_u8(IFLA_VXLAN_L3MISS, 1);
      data.put_u8(IFLA_VXLAN_UDP_CSUM, 0);
      data.put_u8(IFLA_VXLAN_UDP_ZERO_CSUM6_TX, v4 ? 0 : 1);
      // Sockets are shared only among devices that have this alike.
      data.put_u8(IFLA_VXLAN_UDP_ZERO_CSUM6_RX, v4 ? 0 : 1);
    });
  });
  const Answer answer = outside_.request(message);
  if (answer.error == EOPNOTSUPP) {
    return fail(no_such_kind(answer, "vxlan"));
  }
  if (answer.error == EEXIST) {
    return fail(ErrorKind::Conflict,
                "VNI " + std::to_string(vni.value) + " has a vxlan device on UDP port " +
                    std::to_string(port_) + " already; another program uses it on this host");
  }
  return answer.result("create vxlan device '" + name + "'");
}

// Neighbours can only be entered where IPv6 is on; without an address of its own the device says
// nothing by it.
Result<void> VniDevices::allow_neighbours(const std::string& name, std::uint32_t mtu) {
  if (mtu < kMinIpv6Mtu) {
    return {};
  }
  const auto link = find_link(inside_, name);
  if (!link || !*link) {
    return link ? Result<void>() : fail(link.error());
  }
  if (auto set = set_addrgen_none(inside_, (*link)->index, name); !set) {
    return set;
  }
  return in_netns(netns_,
                  [&] { return set_sysctl(interface_sysctl("ipv6", name, "disable_ipv6"), "0"); });
}

Result<void> VniDevices::set_up_vxlan(const LinkInfo& link) {
  if (link.is_up()) {
    return {};
  }
  Message message(RTM_NEWLINK, 0);
  message.header(link_header(link.index, IFF_UP, IFF_UP));
  const Answer answer = inside_.request(message);
  if (answer.error == EADDRINUSE) {
    const std::string port = std::to_string(port_);
    return fail(ErrorKind::Conflict, "UDP port " + port +
                                         " is held by another socket ('ss -lunp sport = :" + port +
                                         "' names a process) or by a vxlan device of another kind");
  }
  return answer.result("set vxlan device '" + link.name + "' up");
}

Result<void> VniDevices::remove(Vni vni) {
  for (const auto& name : {vxlan_name(vni), bridge_name(vni)}) {
    const auto link = find_link(inside_, name);
    if (!link) {
      return fail(link.error());
    }
    if (*link) {
      if (auto gone = delete_link(inside_, (*link)->index, name); !gone) {
        return gone;
      }
    }
  }
  return {};
}

Result<void> VniDevices::remove_all() {
  const auto found = list();
  if (!found) {
    return fail(found.error());
  }
  for (const auto& [vni, pair] : found->vnis) {
    if (auto removed = remove(vni); !removed) {
      return removed;
    }
  }
  return {};
}

Result<void> remove_overlay(OverlayNetns& netns) {
  auto devices = VniDevices::open(netns.fd(), {}, 0);
  if (!devices) {
    return fail(devices.error());
  }
  if (auto removed = devices->remove_all(); !removed) {
    return removed;
  }
  return netns.remove();
}

Result<void> VniDevices::add_port(IfIndex host_end, const std::string& name, IfIndex bridge) {
  const auto link = find_link(inside_, host_end);
  if (!link) {
    return fail(link.error());
  }
  if (!*link) {
    return fail(ErrorKind::NotFound, "the interface '" + name + "' of an endpoint is gone");
  }
  if ((*link)->master != bridge) {
    if (auto joined = set_master(inside_, host_end, bridge, name); !joined) {
      return joined;
    }
  }
  if ((*link)->master != bridge || (*link)->bridge_port != kTowardsEndpoint) {
    if (auto set = set_bridge_port(inside_, host_end, name, kTowardsEndpoint); !set) {
      return set;
    }
  }
  return (*link)->is_up() ? Result<void>() : set_link_up(inside_, host_end, name);
}

Result<void> VniDevices::remove_port(IfIndex host_end, const std::string& name) {
  Message message(RTM_NEWLINK, 0);
  message.header(link_header(host_end, 0, IFF_UP));
  message.put_u32(IFLA_MASTER, 0);
  const Answer answer = inside_.request(message);
  return answer.error == ENODEV ? Result<void>()
                                : answer.result("take '" + name + "' out of its network's bridge");
}

}  // namespace vtepd::netlink
