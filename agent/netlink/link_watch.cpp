// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/link_watch.h"

#include "netlink/link.h"
#include "netlink/netns.h"

#include <cerrno>

#include <linux/rtnetlink.h>

namespace vtepd::netlink {

Result<LinkWatch> LinkWatch::open(int netns) {
  auto requests = in_netns(netns, [] { return Socket::open(); });
  if (!requests) {
    return fail(requests.error());
  }
  auto notifications = in_netns(netns, [] { return Socket::subscribe({RTNLGRP_LINK}); });
  if (!notifications) {
    return fail(notifications.error());
  }
  LinkWatch watch(std::move(*requests), std::move(*notifications));
  // Listed after the subscription: what changes in between is only seen twice.
  if (auto listed = watch.list_again(); !listed) {
    return fail(listed.error());
  }
  return watch;
}

Result<void> LinkWatch::list_again() {
  const auto links = list_links(requests_);
  if (!links) {
    return fail(links.error());
  }
  links_.replace(*links);
  return {};
}

Result<std::vector<std::string>> LinkWatch::read() {
  bool lost = false;
  while (true) {
    const Answer answer = notifications_.receive([&](const Reply& reply) {
      const auto link = parse_link(reply);
      if (link && reply.type == RTM_NEWLINK) {
        links_.update(*link);
      } else if (link) {
        links_.remove(link->index);
      }
    });
    lost = lost || answer.error == ENOBUFS;
    if (!answer.ok() && answer.error != ENOBUFS) {
      break;
    }
  }
  if (auto listed = lost ? list_again() : Result<void>(); !listed) {
    return fail(listed.error());
  }
  return links_.take_gone();
}

}  // namespace vtepd::netlink
