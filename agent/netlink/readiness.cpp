// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/readiness.h"

#include "netlink/link.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <poll.h>

namespace vtepd::netlink {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLimit{2};

Result<bool> both_connected(const std::array<PortEnd, 2>& ends) {
  for (const PortEnd& end : ends) {
    const auto link = find_link(end.requests, end.index);
    if (!link) {
      return fail(link.error());
    }
    if (!link->has_value()) {
      return fail(ErrorKind::NotFound, "interface '" + end.name +
                                           "' vanished while it was set up; was its namespace "
                                           "deleted?");
    }
    if (!(*link)->is_connected()) {
      return false;
    }
  }
  return true;
}

// RFC 4291 section 2.7.1: ff02::1:ff00:0 and the last 24 bits of the address.
IpAddress solicited_node(const IpAddress& address) {
  std::array<std::uint8_t, 16> group{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
  std::copy(address.bytes.begin() + 13, address.bytes.end(), group.begin() + 13);
  return IpAddress::v6(group);
}

Result<std::set<IpAddress>> joined_groups(const PortEnd& end) {
  Message message(RTM_GETMULTICAST, NLM_F_DUMP);
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  message.header(header);
  std::set<IpAddress> groups;
  const Answer answer = end.requests.request(message, [&](const Reply& reply) {
    const auto parts = reply.split<ifaddrmsg>();
    if (!parts || parts->first.ifa_index != end.index.value) {
      return;
    }
    if (const Bytes wire = parts->second.bytes(IFA_MULTICAST); wire.size() == 16) {
      std::array<std::uint8_t, 16> group{};
      std::copy(wire.begin(), wire.end(), group.begin());
      groups.insert(IpAddress::v6(group));
    }
  });
  if (!answer.ok()) {
    return fail(answer.describe("list IPv6 groups of interface '" + end.name + "'"));
  }
  return groups;
}

Result<bool> answers_neighbours(const PortEnd& end) {
  if (std::all_of(end.addresses.begin(), end.addresses.end(),
                  [](const IpPrefix& prefix) { return prefix.is_v4(); })) {
    return true;
  }
  const auto groups = joined_groups(end);
  if (!groups) {
    return fail(groups.error());
  }
  return std::all_of(end.addresses.begin(), end.addresses.end(), [&](const IpPrefix& prefix) {
    return prefix.is_v4() || groups->count(solicited_node(prefix.address)) != 0;
  });
}

Result<bool> all_ready(const std::array<PortEnd, 2>& ends) {
  auto ready = both_connected(ends);
  for (const PortEnd& end : ends) {
    if (ready && *ready) {
      ready = answers_neighbours(end);
    }
  }
  return ready;
}

// Only that something changed matters; lost notifications say so too.
void drain(Socket& notifications) {
  Answer answer;
  do {
    answer = notifications.receive([](const Reply&) {});
  } while (answer.ok());
}

}  // namespace

std::vector<int> readiness_groups() {
  return {RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR};
}

Result<void> wait_ready(const std::array<PortEnd, 2>& ends) {
  const auto deadline = Clock::now() + kLimit;
  while (true) {
    const auto ready = all_ready(ends);
    if (!ready) {
      return fail(ready.error());
    }
    if (*ready) {
      return {};
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      return fail(ErrorKind::Unavailable, "interfaces '" + ends[0].name + "' and '" + ends[1].name +
                                              "' are not ready " + std::to_string(kLimit.count()) +
                                              " s after they were set up; did "
                                              "somebody set one down?");
    }
    std::array<pollfd, 2> events{};
    for (std::size_t i = 0; i < ends.size(); ++i) {
      events.at(i) = {ends.at(i).notifications.fd(), POLLIN, 0};
    }
    ::poll(events.data(), events.size(), static_cast<int>(left));
    for (const PortEnd& end : ends) {
      drain(end.notifications);
    }
  }
}

}  // namespace vtepd::netlink
