// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/link.h"

#include "netlink/port_requests.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <map>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace vtepd::netlink {

namespace {

// IFLA_GSO_IPV4_MAX_SIZE, of Linux 6.3, which the headers of older distributions lack.
constexpr int kGsoIpv4MaxSize = 63;

VxlanInfo parse_vxlan(const Attributes& data) {
  VxlanInfo info;
  info.vni = data.u32(IFLA_VXLAN_ID).value_or(0);
  info.port = ntohs(data.u16(IFLA_VXLAN_PORT).value_or(0));
  info.learning = data.u8(IFLA_VXLAN_LEARNING).value_or(0) != 0;
  info.external = data.u8(IFLA_VXLAN_COLLECT_METADATA).value_or(0) != 0;
  info.has_remote = data.has(IFLA_VXLAN_GROUP) || data.has(IFLA_VXLAN_GROUP6);
  info.proxy = data.u8(IFLA_VXLAN_PROXY).value_or(0) != 0;
  info.l2miss = data.u8(IFLA_VXLAN_L2MISS).value_or(0) != 0;
  info.l3miss = data.u8(IFLA_VXLAN_L3MISS).value_or(0) != 0;
  info.checksum = data.u8(IFLA_VXLAN_UDP_CSUM).value_or(0) != 0;
  info.tos = data.u8(IFLA_VXLAN_TOS).value_or(0);
  info.ttl = data.u8(IFLA_VXLAN_TTL).value_or(0);
  info.df = data.u8(IFLA_VXLAN_DF).value_or(0);
  const Bytes local4 = data.bytes(IFLA_VXLAN_LOCAL);
  info.local = from_wire(local4.empty() ? data.bytes(IFLA_VXLAN_LOCAL6) : local4);
  return info;
}

BridgePortInfo parse_bridge_port(const Attributes& data) {
  const auto flag = [&](int attribute) { return data.u8(attribute).value_or(0) != 0; };
  return {.learning = flag(IFLA_BRPORT_LEARNING),
          .unicast_flood = flag(IFLA_BRPORT_UNICAST_FLOOD),
          .multicast_flood = flag(IFLA_BRPORT_MCAST_FLOOD),
          .broadcast_flood = flag(IFLA_BRPORT_BCAST_FLOOD),
          .isolated = flag(IFLA_BRPORT_ISOLATED)};
}

void parse_kind(const Attributes& attributes, LinkInfo& link) {
  const Attributes info = attributes.nested(IFLA_LINKINFO);
  link.kind = info.string(IFLA_INFO_KIND);
  if (link.kind == "vxlan") {
    link.vxlan = parse_vxlan(info.nested(IFLA_INFO_DATA));
  }
  if (info.string(IFLA_INFO_SLAVE_KIND) == "bridge") {
    link.bridge_port = parse_bridge_port(info.nested(IFLA_INFO_SLAVE_DATA));
  }
}

Message get_request(int flags, const ifinfomsg& header) {
  Message message(RTM_GETLINK, flags);
  message.header(header);
  // Statistics are the bulk of the answer and nobody reads them here.
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message;
}

Result<std::optional<LinkInfo>> find(Socket& socket, Message& message, const std::string& what) {
  std::optional<LinkInfo> found;
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    if (auto link = parse_link(reply)) {
      found = std::move(link);
    }
  });
  if (answer.error == ENODEV) {
    return std::nullopt;
  }
  if (!answer.ok()) {
    return fail(answer.describe("look up interface " + what));
  }
  return found;
}

ifinfomsg by_index(IfIndex index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index.value);
  return header;
}

}  // namespace

bool LinkInfo::is_up() const {
  return (flags & IFF_UP) != 0;
}

bool LinkInfo::is_operational() const {
  return is_up() && (flags & IFF_RUNNING) != 0;
}

bool LinkInfo::is_host_end() const {
  return is_pair_kind(kind) && (flags & IFF_NOARP) != 0;
}

bool LinkInfo::is_connected() const {
  return is_up() && oper_up;
}

Result<void> check_ifname(const std::string& name) {
  const auto bad = [&](const std::string& why) {
    return fail(ErrorKind::Invalid, "interface name '" + name + "' " + why);
  };
  if (name.empty()) {
    return bad("is empty");
  }
  if (name.size() >= IFNAMSIZ) {
    return bad("is longer than " + std::to_string(IFNAMSIZ - 1) + " characters");
  }
  // '%' starts a template that the kernel fills in, ':' an alias.
  const bool fits = std::all_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c != '/' && c != ':' && c != '%' && std::isspace(byte) == 0 && std::iscntrl(byte) == 0;
  });
  if (!fits) {
    return bad("has a character that none may have ('/', ':', '%', blanks, control characters)");
  }
  // The last two name folders below /proc/sys/net.
  if (name == "." || name == ".." || name == "all" || name == "default") {
    return bad("is reserved");
  }
  return {};
}

std::optional<LinkInfo> parse_link(const Reply& reply) {
  if (reply.type != RTM_NEWLINK && reply.type != RTM_DELLINK) {
    return std::nullopt;
  }
  const auto parts = reply.split<ifinfomsg>();
  if (!parts || parts->first.ifi_family != AF_UNSPEC || parts->first.ifi_index <= 0) {
    return std::nullopt;
  }
  const auto& [header, attributes] = *parts;
  LinkInfo link;
  link.index = IfIndex{static_cast<std::uint32_t>(header.ifi_index)};
  link.flags = header.ifi_flags;
  link.oper_up = attributes.u8(IFLA_OPERSTATE) == std::uint8_t{IF_OPER_UP};
  link.name = attributes.string(IFLA_IFNAME);
  link.mtu = attributes.u32(IFLA_MTU).value_or(0);
  link.tcp_frame = attributes.u32(kGsoIpv4MaxSize);
  link.peer = IfIndex{attributes.u32(IFLA_LINK).value_or(0)};
  link.peer_netns = attributes.u32(IFLA_LINK_NETNSID);
  link.master = IfIndex{attributes.u32(IFLA_MASTER).value_or(0)};
  if (const Bytes mac = attributes.bytes(IFLA_ADDRESS); mac.size() == 6) {
    link.mac.emplace();
    std::copy(mac.begin(), mac.end(), link.mac->bytes.begin());
  }
  attributes.nested(IFLA_PROP_LIST).each([&](int type, Bytes name) {
    if (type == IFLA_ALT_IFNAME) {
      link.altnames.emplace_back(name.begin(),
                                 std::find(name.begin(), name.end(), std::uint8_t{0}));
    }
  });
  parse_kind(attributes, link);
  return link;
}

Result<std::optional<LinkInfo>> find_link(Socket& socket, const std::string& name) {
  if (auto valid = check_ifname(name); !valid) {
    return fail(valid.error());
  }
  Message message = get_request(0, ifinfomsg{});
  message.put_string(IFLA_IFNAME, name);
  return find(socket, message, "'" + name + "'");
}

Result<std::optional<LinkInfo>> find_link(Socket& socket, IfIndex index) {
  Message message = get_request(0, by_index(index));
  return find(socket, message, std::to_string(index.value));
}

Result<std::vector<LinkInfo>> list_links(Socket& socket, IfIndex master) {
  Message message = get_request(NLM_F_DUMP, ifinfomsg{});
  if (master != IfIndex{}) {
    message.put_u32(IFLA_MASTER, master.value);
  }
  std::map<IfIndex, LinkInfo> links;
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    if (auto link = parse_link(reply)) {
      links[link->index] = std::move(*link);
    }
  });
  // A kernel that does not know the filter lists all.
  std::erase_if(links, [&](const auto& entry) {
    return master != IfIndex{} && entry.second.master != master;
  });
  if (!answer.ok()) {
    return fail(answer.describe("list interfaces"));
  }
  std::vector<LinkInfo> sorted;
  sorted.reserve(links.size());
  for (auto& entry : links) {
    sorted.push_back(std::move(entry.second));
  }
  return sorted;
}

Result<void> delete_link(Socket& socket, IfIndex index, const std::string& name) {
  Message message(RTM_DELLINK, 0);
  message.header(by_index(index));
  const Answer answer = socket.request(message);
  if (answer.error == ENODEV) {
    return {};
  }
  return answer.result("remove interface '" + name + "'");
}

Result<void> rename_link(Socket& socket, IfIndex index, const std::string& name) {
  Message message(RTM_NEWLINK, 0);
  message.header(by_index(index));
  message.put_string(IFLA_IFNAME, name);
  return socket.request(message).result("name interface " + std::to_string(index.value) + " '" +
                                        name + "'");
}

Result<void> set_link_up(Socket& socket, IfIndex index, const std::string& name) {
  ifinfomsg header = by_index(index);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0);
  message.header(header);
  return socket.request(message).result("set interface '" + name + "' up");
}

Result<void> set_tcp_frame(Socket& socket, IfIndex index, const std::string& name,
                           std::uint32_t bytes) {
  Message message(RTM_NEWLINK, 0);
  message.header(by_index(index));
  message.put_u32(kGsoIpv4MaxSize, bytes);
  return socket.request(message).result("set gso_ipv4_max_size of interface '" + name + "' to " +
                                        std::to_string(bytes));
}

Result<LinkStatistics> read_statistics(Socket& socket, IfIndex index) {
  Message message(RTM_GETLINK, 0);
  message.header(by_index(index));
  rtnl_link_stats64 read{};
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    const auto parts = reply.split<ifinfomsg>();
    const Bytes raw = parts ? parts->second.bytes(IFLA_STATS64) : Bytes();
    std::memcpy(&read, raw.data(), std::min(raw.size(), sizeof read));
  });
  if (!answer.ok()) {
    return fail(answer.describe("read the statistics of interface " + std::to_string(index.value)));
  }
  return LinkStatistics{.tx_dropped = read.tx_dropped, .tx_carrier_errors = read.tx_carrier_errors};
}

Result<void> move_link(Socket& socket, IfIndex index, const std::string& name, int netns) {
  ifinfomsg header = by_index(index);
  header.ifi_change = IFF_UP;
  Message down(RTM_NEWLINK, 0);
  down.header(header);
  down.put_u32(IFLA_MASTER, 0);
  if (auto set = socket.request(down).result("set interface '" + name + "' down"); !set) {
    return set;
  }
  Message move(RTM_NEWLINK, 0);
  move.header(by_index(index));
  move.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns));
  return socket.request(move).result("move interface '" + name + "' to another namespace");
}

Result<void> set_addrgen_none(Socket& socket, IfIndex index, const std::string& name) {
  Message message(RTM_SETLINK, 0);
  message.header(by_index(index));
  message.nest(IFLA_AF_SPEC, [](Message& families) {
    families.nest(AF_INET6, [](Message& inet6) {
      inet6.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    });
  });
  const Answer answer = socket.request(message);
  // No IPv6 in this kernel, or none on this interface (its MTU is below 1280).
  if (answer.error == EAFNOSUPPORT) {
    return {};
  }
  return answer.result("turn IPv6 address generation of interface '" + name + "' off");
}

}  // namespace vtepd::netlink
