// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/segment_pair.h"

#include "netlink/offloads.h"
#include "netlink/port_requests.h"
#include "netlink/readiness.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

namespace vtepd::netlink {

namespace {

// So that nothing is too long for it but what no device could carry.
constexpr std::uint32_t kMtu = 65535;

// What could not be cut up, and what the other end had no room for: the kernel notes both here.

}  // namespace

SegmentPair::SegmentPair(Socket socket, std::string sending, std::string receiving)
    : socket_(std::move(socket)), sending_(std::move(sending)), receiving_(std::move(receiving)) {}

Result<SegmentPair> SegmentPair::open(std::uint16_t port) {
  auto socket = Socket::open();
  if (!socket) {
    return fail(socket.error());
  }
  const std::string number = std::to_string(port);
  return SegmentPair(std::move(*socket), "vtepsa" + number, "vtepsb" + number);
}

Result<std::optional<SegmentPair::Found>> SegmentPair::find() {
  auto sending = find_link(socket_, sending_);
  auto receiving = find_link(socket_, receiving_);
  if (!sending || !receiving) {
    return fail(sending ? receiving.error() : sending.error());
  }
  const auto is_end = [](const std::optional<LinkInfo>& link) {
    return link && link->kind == "veth" && !link->peer_netns;
  };
  if (!is_end(*sending) || !is_end(*receiving) || (*sending)->peer != (*receiving)->index) {
    return std::nullopt;
  }
  return Found{std::move(**sending), std::move(**receiving)};
}

Result<void> SegmentPair::request_pair() {
  ifinfomsg header{};
  header.ifi_flags = IFF_NOARP;
  header.ifi_change = IFF_NOARP;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(header);
  message.put_string(IFLA_IFNAME, sending_);
  message.put_u32(IFLA_MTU, kMtu);
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_string(IFLA_INFO_KIND, "veth");
    info.nest(IFLA_INFO_DATA, [&](Message& data) {
      data.nest(VETH_INFO_PEER, [&](Message& peer) {
        peer.header(header);
        peer.put_string(IFLA_IFNAME, receiving_);
        peer.put_u32(IFLA_MTU, kMtu);
      });
    });
  });
  return socket_.request(message).result("create the pair '" + sending_ + "' and '" + receiving_ +
                                         "' that cuts frames up");
}

Result<void> SegmentPair::close_end(IfIndex index, const std::string& name) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index.value);
  header.ifi_flags = IFF_NOARP;
  header.ifi_change = IFF_NOARP;
  Message message(RTM_NEWLINK, 0);
  message.header(header);
  message.put_u32(IFLA_MTU, kMtu);
  if (auto set = socket_.request(message).result("set MTU of '" + name + "' and turn its ARP off");
      !set) {
    return set;
  }
  if (auto closed = close_host_end(socket_, index, name); !closed) {
    return closed;
  }
  const auto off = offloads_are_off(name);
  return off && *off ? Result<void>() : turn_offloads_off(name);
}

Result<SegmentEnds> SegmentPair::create() {
  auto found = find();
  if (!found) {
    return fail(found.error());
  }
  const bool adopted = found->has_value();
  if (!adopted) {
    if (auto made = request_pair(); !made) {
      return fail(made.error());
    }
    found = find();
    if (!found || !*found) {
      return fail(found ? Error{ErrorKind::NotFound, "interface '" + sending_ + "' has just gone"}
                        : found.error());
    }
  }
  const SegmentEnds ends{(*found)->sending.index, (*found)->receiving.index};
  auto closed = close_end(ends.receiving, receiving_);
  closed = closed ? close_end(ends.sending, sending_) : closed;
  if (!closed) {
    if (!adopted) {
      (void)delete_link(socket_, ends.sending, sending_);
    }
    return fail(closed.error());
  }
  return ends;
}

Result<void> SegmentPair::set_up() {
  const auto found = find();
  if (!found || !*found) {
    return fail(
        found ? Error{ErrorKind::NotFound, "interface '" + sending_ + "' is gone; create it again"}
              : found.error());
  }
  auto notifications = Socket::subscribe(readiness_groups());
  if (!notifications) {
    return fail(notifications.error());
  }
  const auto& [sending, receiving] = **found;
  for (const auto& end : {receiving, sending}) {
    if (auto up = set_link_up(socket_, end.index, end.name); !up) {
      return up;
    }
  }
  return wait_ready({PortEnd{socket_, *notifications, sending.index, sending_, {}},
                     PortEnd{socket_, *notifications, receiving.index, receiving_, {}}});
}

Result<std::optional<SegmentEnds>> SegmentPair::find_working() {
  const auto found = find();
  if (!found) {
    return fail(found.error());
  }
  if (!*found) {
    return std::nullopt;
  }
  for (const auto& end : {(*found)->sending, (*found)->receiving}) {
    const auto off = offloads_are_off(end.name);
    if (!off || !*off || !end.is_connected() || end.mtu != kMtu) {
      return std::nullopt;
    }
  }
  return SegmentEnds{(*found)->sending.index, (*found)->receiving.index};
}

Result<std::uint64_t> SegmentPair::lost() {
  const auto found = find();
  if (!found || !*found) {
    return found ? Result<std::uint64_t>(0U) : fail(found.error());
  }
  const auto statistics = read_statistics(socket_, (*found)->sending.index);
  return statistics ? Result<std::uint64_t>(statistics->tx_dropped) : fail(statistics.error());
}

Result<bool> SegmentPair::remove() {
  const auto found = find();
  if (!found) {
    return fail(found.error());
  }
  if (!*found) {
    return false;
  }
  if (auto gone = delete_link(socket_, (*found)->sending.index, sending_); !gone) {
    return fail(gone.error());
  }
  return true;
}

}  // namespace vtepd::netlink
