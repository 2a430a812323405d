// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/port_requests.h"

#include "netlink/link.h"
#include "netlink/sysctl.h"

#include <array>
#include <cerrno>
#include <string>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

namespace vtepd::netlink {

namespace {

constexpr std::uint32_t kMinMtu = 68;  // RFC 791
constexpr std::uint32_t kMaxMtu = 65535;
constexpr std::uint32_t kMinIpv6Mtu = 1280;  // RFC 8200 section 5
constexpr std::uint8_t kMaxBroadcastLength = 30;
constexpr const char* kVeth = "veth";
constexpr const char* kNetkit = "netkit";

struct Sysctl {
  const char* family;
  const char* key;
  const char* value;
};

Result<void> set_all(const std::string& ifname, const Sysctl* first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = interface_sysctl(first[i].family, ifname, first[i].key);
    if (auto set = set_sysctl(name, first[i].value); !set) {
      return set;
    }
  }
  return {};
}

void put_peer(Message& message, int netns, const PortSpec& spec) {
  message.header(ifinfomsg{});
  message.put_string(IFLA_IFNAME, spec.ifname);
  message.put_bytes(IFLA_ADDRESS, spec.mac.bytes);
  message.put_u32(IFLA_MTU, spec.mtu);
  message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns));
}

// A policy is what becomes of what that end sends while no program is there to say. The host end's
// is needed for announcements; what else the host would send there is stopped before.
void put_netkit(Message& data) {
  data.put_u32(IFLA_NETKIT_MODE, NETKIT_L2);
  data.put_u32(IFLA_NETKIT_POLICY, NETKIT_PASS);
  data.put_u32(IFLA_NETKIT_PEER_POLICY, NETKIT_DROP);
}

}  // namespace

bool is_pair_kind(const std::string& kind) {
  return kind == kVeth || kind == kNetkit;
}

Result<void> check_port(const PortSpec& spec) {
  for (const auto& name : {spec.host_ifname, spec.ifname}) {
    if (auto valid = check_ifname(name); !valid) {
      return valid;
    }
  }
  const std::string what = "interface '" + spec.ifname + "': ";
  if (spec.mac.is_multicast() || spec.mac == MacAddress{}) {
    return fail(ErrorKind::Invalid, what + spec.mac.to_string() + " is not a unicast MAC address");
  }
  if (spec.mtu < kMinMtu || spec.mtu > kMaxMtu) {
    return fail(ErrorKind::Invalid, what + "MTU " + std::to_string(spec.mtu) + " is not in " +
                                        std::to_string(kMinMtu) + " ... " +
                                        std::to_string(kMaxMtu));
  }
  if (spec.ipv6 && spec.mtu < kMinIpv6Mtu) {
    return fail(ErrorKind::Invalid, what + "MTU " + std::to_string(spec.mtu) +
                                        " is too small for IPv6, which needs " +
                                        std::to_string(kMinIpv6Mtu));
  }
  for (const auto& address : spec.addresses) {
    if (!address.is_v4() && !spec.ipv6) {
      return fail(ErrorKind::Invalid,
                  what + "address " + address.to_string() + " needs IPv6, which is turned off");
    }
  }
  return {};
}

Answer request_pair(Socket& socket, int endpoint_netns, const PortSpec& spec, PairKind kind) {
  const bool netkit = kind == PairKind::Netkit;
  ifinfomsg host{};
  host.ifi_flags = IFF_NOARP;
  host.ifi_change = IFF_NOARP;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(host);
  message.put_string(IFLA_IFNAME, spec.host_ifname);
  message.put_u32(IFLA_MTU, spec.mtu);
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_string(IFLA_INFO_KIND, netkit ? kNetkit : kVeth);
    info.nest(IFLA_INFO_DATA, [&](Message& data) {
      if (netkit) {
        put_netkit(data);
      }
      data.nest(netkit ? static_cast<int>(IFLA_NETKIT_PEER_INFO) : static_cast<int>(VETH_INFO_PEER),
                [&](Message& peer) { put_peer(peer, endpoint_netns, spec); });
    });
  });
  return socket.request(message);
}

Result<void> close_host_end(Socket& socket, IfIndex host, const std::string& name) {
  static constexpr std::array<Sysctl, 4> kClosed{{{"ipv6", "disable_ipv6", "1"},
                                                  {"ipv6", "accept_ra", "0"},
                                                  {"ipv6", "autoconf", "0"},
                                                  {"ipv4", "rp_filter", "1"}}};
  if (auto set = set_addrgen_none(socket, host, name); !set) {
    return set;
  }
  return set_all(name, kClosed.data(), kClosed.size());
}

Result<void> set_endpoint_sysctls(const std::string& ifname, bool ipv6) {
  // disable_ipv6 is written in both cases: container runtimes turn IPv6 off by default in the
  // namespaces they make, and an address could not be added then.
  static constexpr std::array<Sysctl, 1> kOff{{{"ipv6", "disable_ipv6", "1"}}};
  static constexpr std::array<Sysctl, 3> kOn{
      {{"ipv6", "accept_ra", "0"}, {"ipv6", "autoconf", "0"}, {"ipv6", "disable_ipv6", "0"}}};
  return ipv6 ? set_all(ifname, kOn.data(), kOn.size()) : set_all(ifname, kOff.data(), kOff.size());
}

Result<void> add_address(Socket& socket, IfIndex index, const std::string& ifname,
                         const IpPrefix& address) {
  const bool v4 = address.is_v4();
  ifaddrmsg header{};
  header.ifa_family = v4 ? AF_INET : AF_INET6;
  header.ifa_prefixlen = address.length;
  header.ifa_flags = v4 ? 0 : IFA_F_NODAD;
  header.ifa_index = index.value;
  // REPLACE: the same address again is no error.
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  message.header(header);
  message.put_bytes(IFA_LOCAL, to_wire(address.address));
  message.put_bytes(IFA_ADDRESS, to_wire(address.address));
  if (v4 && address.length <= kMaxBroadcastLength) {
    const std::uint32_t host_bits = 0xffffffffU >> address.length;
    message.put_u32(IFA_BROADCAST, htonl(address.address.to_v4() | host_bits));
  }
  return socket.request(message).result("add address " + address.to_string() + " to interface '" +
                                        ifname + "'");
}

}  // namespace vtepd::netlink
