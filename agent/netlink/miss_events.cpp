// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/miss_events.h"

#include "netlink/netns.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace vtepd::netlink {

namespace {

constexpr int kMostAtOnce = 256;

// The group tells of every entry that changes, a hundred thousand of our own at a start. Only what
// looks like a request is a miss; the rest need not wake anybody.
Result<void> keep_requests_only(int fd) {
  std::array<sock_filter, 4> code{{
      // The type is in the host's order, the load makes it the network's.
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, offsetof(nlmsghdr, nlmsg_type)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, htons(RTM_GETNEIGH)},
      {BPF_RET | BPF_K, 0, 0, 0xffffffff},
      {BPF_RET | BPF_K, 0, 0, 0},
  }};
  const sock_fprog program{code.size(), code.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    return fail_errno(errno, "filter the notifications of neighbour entries");
  }
  return {};
}

}  // namespace

Result<MissEvents> MissEvents::open(int netns) {
  auto socket = in_netns(netns, [] { return Socket::subscribe({RTNLGRP_NEIGH}); });
  if (!socket) {
    return fail(socket.error());
  }
  if (auto filtered = keep_requests_only(socket->fd()); !filtered) {
    return fail(filtered.error());
  }
  return MissEvents(std::move(*socket));
}

void MissEvents::read(const std::function<void(const KernelEntry&)>& take) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    const Answer answer = socket_.receive([&](const Reply& reply) {
      if (const auto entry = parse_entry(reply); entry && (entry->mac || entry->address)) {
        take(*entry);
      }
    });
    if (!answer.ok() && answer.error != ENOBUFS) {
      return;
    }
  }
}

}  // namespace vtepd::netlink
