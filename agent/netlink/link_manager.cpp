// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/link_manager.h"

#include "core/tcp_frame.h"
#include "netlink/announcement.h"
#include "netlink/link.h"
#include "netlink/netns.h"
#include "netlink/readiness.h"

#include <array>
#include <cerrno>
#include <set>

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include <fcntl.h>

namespace vtepd::netlink {

namespace {

// The id by which our namespace knows another one; none if it has never met it.
Result<std::optional<std::uint32_t>> netns_id(Socket& socket, const Netns& netns) {
  Message message(RTM_GETNSID, 0);
  message.header(rtgenmsg{});
  message.put_u32(NETNSA_FD, static_cast<std::uint32_t>(netns.fd.get()));
  std::optional<std::uint32_t> id;
  const Answer answer = socket.request(message, [&](const Reply& reply) {
    if (const auto parts = reply.split<rtgenmsg>()) {
      id = parts->second.u32(NETNSA_NSID);
    }
  });
  if (!answer.ok()) {
    return fail(answer.describe("look up the id of " + describe(netns)));
  }
  if (id == static_cast<std::uint32_t>(NETNSA_NSID_NOT_ASSIGNED)) {
    return std::nullopt;
  }
  return id;
}

// An index alone means nothing: indices of two namespaces may be equal. `home`: `netns` is the
// namespace of the host end.
Result<bool> is_peer(Socket& socket, const Netns& netns, bool home, const LinkInfo& host,
                     const LinkInfo& endpoint) {
  if (!is_pair_kind(host.kind) || host.kind != endpoint.kind || host.peer != endpoint.index) {
    return false;
  }
  if (home) {
    return !host.peer_netns.has_value();
  }
  const auto id = netns_id(socket, netns);
  if (!id) {
    return fail(id.error());
  }
  return id->has_value() && *id == host.peer_netns;
}

Result<void> no_such_port(const Netns& netns, const PortSpec& spec) {
  return fail(ErrorKind::NotFound, "interface '" + spec.ifname + "' in " + describe(netns) +
                                       " is not there or its other end is not '" +
                                       spec.host_ifname + "'; attach it again");
}

}  // namespace

Result<std::unique_ptr<LinkManager>> LinkManager::create(int home, PairKind kind) {
  auto own = Socket::open();
  if (!own) {
    return fail(own.error());
  }
  auto socket = home < 0 ? Socket::open() : in_netns(home, [] { return Socket::open(); });
  if (!socket) {
    return fail(socket.error());
  }
  return std::unique_ptr<LinkManager>(
      new LinkManager(std::move(*socket), std::move(*own), home, kind));
}

Result<Netns> LinkManager::open_netns(const std::string& path) {
  return netlink::open_netns(path);
}

Result<std::string> LinkManager::free_ifname(const Netns& netns, const std::string& prefix) {
  auto socket = open_socket(netns);
  if (!socket) {
    return fail(socket.error());
  }
  const auto links = list_links(*socket);
  if (!links) {
    return fail(links.error().context(describe(netns)));
  }
  std::set<std::string> taken;
  for (const auto& link : *links) {
    taken.insert(link.name);
    taken.insert(link.altnames.begin(), link.altnames.end());
  }
  // One of the first size+1 names is free.
  std::size_t number = 0;
  while (taken.contains(prefix + std::to_string(number))) {
    ++number;
  }
  std::string name = prefix + std::to_string(number);
  if (auto valid = check_ifname(name); !valid) {
    return fail(valid.error());
  }
  return name;
}

Error LinkManager::explain_taken(const Netns& netns, const PortSpec& spec) {
  const auto host = netlink::find_link(socket_, spec.host_ifname);
  if (host && host->has_value()) {
    return {ErrorKind::Conflict, "interface '" + spec.host_ifname +
                                     "' exists already in vtepd's own namespace; remove it or "
                                     "choose another name"};
  }
  return {ErrorKind::Conflict, "interface '" + spec.ifname + "' exists already in " +
                                   describe(netns) + "; remove it or choose another name"};
}

Result<PortLinks> LinkManager::create_port(const Netns& netns, const PortSpec& spec) {
  if (auto valid = check_port(spec); !valid) {
    return fail(valid.error());
  }
  if (is_home(netns) && spec.ifname == spec.host_ifname) {
    return fail(ErrorKind::Invalid,
                "both ends of the port cannot be called '" + spec.ifname + "' in one namespace");
  }
  const Answer answer = request_pair(socket_, netns.fd.get(), spec, kind_);
  if (answer.error == EEXIST) {
    return fail(explain_taken(netns, spec));
  }
  if (!answer.ok()) {
    return fail(answer.describe("create interface '" + spec.ifname + "' in " + describe(netns)));
  }
  auto links = configure_port(netns, spec);
  if (!links) {
    // The reason is reported; that the rest went too is all that can still be tried.
    static_cast<void>(remove_port(spec.host_ifname));
  } else if (headroom_) {
    // It works without; the next check of the host ends says why that was.
    static_cast<void>(headroom_->add({links->host, spec.host_ifname}));
  }
  return links;
}

Result<PortLinks> LinkManager::configure_port(const Netns& netns, const PortSpec& spec) {
  const auto host = netlink::find_link(socket_, spec.host_ifname);
  if (!host) {
    return fail(host.error());
  }
  if (!host->has_value()) {
    return fail(ErrorKind::NotFound, "interface '" + spec.host_ifname +
                                         "' vanished right after it was made; was " +
                                         describe(netns) + " deleted?");
  }
  const PortLinks links{(*host)->index, (*host)->peer};
  const auto closed =
      at_home([&] { return close_host_end(socket_, links.host, spec.host_ifname); });
  if (!closed) {
    return fail(closed.error());
  }
  const auto set =
      in_netns(netns.fd.get(), [&] { return set_endpoint_sysctls(spec.ifname, spec.ipv6); });
  if (!set) {
    return fail(set.error().context(describe(netns)));
  }
  return links;
}

Result<void> LinkManager::bring_up(const Netns& netns, const PortSpec& spec) {
  const auto port = find_port(netns, spec.ifname, spec.host_ifname);
  if (!port) {
    return fail(port.error());
  }
  if (!port->has_value()) {
    return no_such_port(netns, spec);
  }
  auto requests = open_socket(netns);
  auto inside = subscribe(netns, readiness_groups());
  auto outside = at_home([] { return Socket::subscribe(readiness_groups()); });
  for (const auto* socket : {&requests, &inside, &outside}) {
    if (!*socket) {
      return fail(socket->error());
    }
  }
  const std::array<PortEnd, 2> ends{
      {{*requests, *inside, (*port)->endpoint, spec.ifname, spec.addresses},
       {socket_, *outside, (*port)->host, spec.host_ifname, {}}}};
  for (const auto& address : spec.addresses) {
    if (auto added = add_address(*requests, (*port)->endpoint, spec.ifname, address); !added) {
      return fail(added.error().context(describe(netns)));
    }
  }
  for (const PortEnd& end : ends) {
    if (auto up = set_link_up(end.requests, end.index, end.name); !up) {
      return fail(up.error().context(describe(netns)));
    }
  }
  return wait_ready(ends);
}

Result<void> LinkManager::set_tcp_frame(const Netns& netns, const std::string& ifname,
                                        std::uint32_t bytes) {
  auto socket = open_socket(netns);
  if (!socket) {
    return fail(socket.error());
  }
  const auto link = netlink::find_link(*socket, ifname);
  if (!link) {
    return fail(link.error().context(describe(netns)));
  }
  const std::uint32_t now = *link ? (*link)->tcp_frame.value_or(0) : 0;
  const bool ours = now == kUsualTcpFrame || now == kBigTcpFrame;
  if (!ours || now == bytes) {
    return {};
  }
  auto set = netlink::set_tcp_frame(*socket, (*link)->index, ifname, bytes);
  return set ? set : fail(set.error().context(describe(netns)));
}

Result<std::optional<PortState>> LinkManager::find_port(const Netns& netns,
                                                        const std::string& ifname,
                                                        const std::string& host_ifname) {
  auto socket = open_socket(netns);
  if (!socket) {
    return fail(socket.error());
  }
  const auto endpoint = netlink::find_link(*socket, ifname);
  if (!endpoint) {
    return fail(endpoint.error().context(describe(netns)));
  }
  const auto host = netlink::find_link(socket_, host_ifname);
  if (!host) {
    return fail(host.error());
  }
  if (!endpoint->has_value() || !host->has_value()) {
    return std::nullopt;
  }
  const auto peer = is_peer(socket_, netns, is_home(netns), **host, **endpoint);
  if (!peer) {
    return fail(peer.error());
  }
  if (!*peer) {
    return std::nullopt;
  }
  return PortState{(*host)->index, (*endpoint)->index, (*endpoint)->mac.value_or(MacAddress{}),
                   (*host)->is_connected() && (*endpoint)->is_connected()};
}

Result<std::optional<IfIndex>> LinkManager::find_link(const std::string& name) {
  const auto link = netlink::find_link(socket_, name);
  if (!link) {
    return fail(link.error());
  }
  if (!link->has_value()) {
    return std::nullopt;
  }
  return (*link)->index;
}

Result<std::optional<std::string>> LinkManager::link_name(IfIndex index) {
  const auto link = netlink::find_link(socket_, index);
  if (!link) {
    return fail(link.error());
  }
  return *link ? std::optional((*link)->name) : std::nullopt;
}

Result<void> LinkManager::rename(IfIndex index, const std::string& name) {
  return rename_link(socket_, index, name);
}

Result<std::vector<std::string>> LinkManager::verify_host_ends(const std::vector<HostEnd>& ends) {
  return headroom_ ? headroom_->verify(ends) : std::vector<std::string>{};
}

std::string LinkManager::headroom() {
  return headroom_ ? headroom_->describe() : "the bridges' own";
}

Result<void> LinkManager::remove_port(const std::string& host_ifname) {
  const auto link = netlink::find_link(socket_, host_ifname);
  if (!link) {
    return fail(link.error());
  }
  if (!link->has_value()) {
    return {};
  }
  if (!is_pair_kind((*link)->kind)) {
    return fail(ErrorKind::Conflict, "interface '" + host_ifname +
                                         "' is neither a veth nor a netkit device, so vtepd did "
                                         "not make it and leaves it");
  }
  return delete_link(socket_, (*link)->index, host_ifname);
}

Result<void> LinkManager::announce(IfIndex host_end, const IpAddress& address,
                                   const MacAddress& mac) {
  return at_home([&] { return send_frame(host_end, announcement(address, mac)); });
}

Result<void> LinkManager::announce_remote(const RemoteAnnouncement& announcement) {
  return send_encapsulated(announcement);
}

Result<std::vector<MacAddress>> LinkManager::host_macs() {
  const auto links = list_links(own_);
  if (!links) {
    return fail(links.error());
  }
  std::set<MacAddress> macs;
  for (const auto& link : *links) {
    if (link.mac && *link.mac != MacAddress{}) {
      macs.insert(*link.mac);
    }
  }
  return std::vector<MacAddress>(macs.begin(), macs.end());
}

Result<std::optional<IfIndex>> LinkManager::bring_home(int from, const std::string& host_ifname) {
  auto there = in_netns(from, [] { return Socket::open(); });
  if (!there) {
    return fail(there.error());
  }
  const auto link = netlink::find_link(*there, host_ifname);
  if (!link) {
    return fail(link.error());
  }
  if (!*link || (*link)->kind != "veth") {
    return std::nullopt;
  }
  const UniqueFd own(home_ < 0 ? ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) : -1);
  if (auto moved = move_link(*there, (*link)->index, host_ifname, home_ < 0 ? own.get() : home_);
      !moved) {
    return fail(moved.error());
  }
  auto index = find_link(host_ifname);
  if (!index || !*index) {
    return index;
  }
  const auto closed = at_home([&] { return close_host_end(socket_, **index, host_ifname); });
  return closed ? index : fail(closed.error());
}

Result<bool> LinkManager::is_netkit(const std::string& host_ifname) {
  const auto link = netlink::find_link(socket_, host_ifname);
  return link ? Result<bool>(*link && (*link)->kind == "netkit") : fail(link.error());
}

Result<void> LinkManager::set_up(IfIndex host_end, const std::string& name) {
  return set_link_up(socket_, host_end, name);
}

}  // namespace vtepd::netlink
