// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/underlay_queries.h"

#include "netlink/link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

namespace vtepd::netlink {

namespace {

// What RTM_GETROUTE said.
struct Lookup {
  std::uint8_t type = RTN_UNSPEC;
  IfIndex oif;
  std::optional<IpAddress> gateway;
  std::uint32_t mtu = 0;  // of the route or of a path MTU exception; 0: the interface's
};

std::optional<InterfaceAddress> parse_address(const Reply& reply) {
  const auto parts = reply.split<ifaddrmsg>();
  if (reply.type != RTM_NEWADDR || !parts) {
    return std::nullopt;
  }
  const auto& [header, attributes] = *parts;
  // On a point-to-point interface IFA_ADDRESS is the other side.
  const int own = attributes.has(IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS;
  const auto address = from_wire(attributes.bytes(own));
  const auto flags = attributes.u32(IFA_FLAGS).value_or(header.ifa_flags);
  if (!address || (flags & IFA_F_DADFAILED) != 0) {
    return std::nullopt;
  }
  return InterfaceAddress{IfIndex{header.ifa_index}, *address,
                          header.ifa_scope == RT_SCOPE_UNIVERSE};
}

std::optional<Lookup> parse_route(const Reply& reply) {
  const auto parts = reply.split<rtmsg>();
  if (reply.type != RTM_NEWROUTE || !parts) {
    return std::nullopt;
  }
  const auto& [header, attributes] = *parts;
  Lookup lookup;
  lookup.type = header.rtm_type;
  lookup.oif = IfIndex{attributes.u32(RTA_OIF).value_or(0)};
  lookup.gateway = from_wire(attributes.bytes(RTA_GATEWAY));
  // An IPv4 route over an IPv6 next hop (RFC 5549): struct rtvia, a family and the address.
  const Bytes via = attributes.bytes(RTA_VIA);
  if (!lookup.gateway && via.size() > sizeof(__kernel_sa_family_t)) {
    lookup.gateway = from_wire(via.subspan(sizeof(__kernel_sa_family_t)));
  }
  lookup.mtu = attributes.nested(RTA_METRICS).u32(RTAX_MTU).value_or(0);
  return lookup;
}

Message route_request(const IpAddress& vtep, const IpAddress& source) {
  const auto bits = static_cast<std::uint8_t>(vtep.is_v4() ? 32 : 128);
  rtmsg header{};
  header.rtm_family = vtep.is_v4() ? AF_INET : AF_INET6;
  header.rtm_dst_len = bits;
  header.rtm_src_len = bits;
  Message message(RTM_GETROUTE, 0);
  message.header(header);
  message.put_bytes(RTA_DST, to_wire(vtep));
  message.put_bytes(RTA_SRC, to_wire(source));
  return message;
}

// The kernel's errors for "unreachable", "prohibit", "blackhole" routes, no route at all and a
// device that is down.
bool means_unreachable(int number) {
  return number == ENETUNREACH || number == EHOSTUNREACH || number == EACCES || number == EINVAL ||
         number == ENETDOWN || number == ENODEV;
}

Failure no_route(const std::string& what, const std::string& why) {
  return fail(ErrorKind::NotFound, what + ": " + why);
}

}  // namespace

Result<std::vector<InterfaceAddress>> list_addresses(Socket& socket, bool v4) {
  Message message(RTM_GETADDR, NLM_F_DUMP);
  ifaddrmsg header{};
  header.ifa_family = v4 ? AF_INET : AF_INET6;
  message.header(header);
  std::vector<InterfaceAddress> addresses;
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    if (const auto address = parse_address(reply)) {
      addresses.push_back(*address);
    }
  });
  if (!answer.ok()) {
    return fail(answer.describe("list addresses"));
  }
  // Stable: the kernel lists the primary address of an interface first.
  std::stable_sort(addresses.begin(), addresses.end(),
                   [](const auto& a, const auto& b) { return a.ifindex < b.ifindex; });
  return addresses;
}

Result<UnderlayRoute> look_up_route(Socket& socket, const IpAddress& vtep,
                                    const IpAddress& source) {
  const std::string what = "route to VTEP " + vtep.to_string() + " from " + source.to_string();
  if (vtep.is_v4() != source.is_v4()) {
    return no_route(what, "the addresses are of different families");
  }
  Message message = route_request(vtep, source);
  std::optional<Lookup> found;
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    if (auto lookup = parse_route(reply)) {
      found = lookup;
    }
  });
  if (!answer.ok() && means_unreachable(answer.error)) {
    return no_route(what, "there is none (" + answer.describe("kernel").what +
                              "); 'ip route get' shows the same");
  }
  if (!answer.ok()) {
    return fail(answer.describe(what));
  }
  if (found && found->type == RTN_LOCAL) {
    return no_route(what, "it is an address of this host, over the loopback interface");
  }
  if (!found || found->type != RTN_UNICAST || found->oif == IfIndex{}) {
    return no_route(what, "it is not a unicast route");
  }
  const auto link = find_link(socket, found->oif);
  if (!link) {
    return fail(link.error());
  }
  if (!link->has_value()) {
    return no_route(what, "its interface has just gone");
  }
  // A route may claim more than its interface can send.
  const std::uint32_t link_mtu = (*link)->mtu;
  const std::uint32_t mtu = found->mtu == 0 ? link_mtu : std::min(found->mtu, link_mtu);
  return UnderlayRoute{found->oif, found->gateway.value_or(vtep), mtu};
}

}  // namespace vtepd::netlink
