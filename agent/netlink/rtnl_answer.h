// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "netlink/message.h"
#include "netlink/rtnl_socket.h"

#include <cstdlib>
#include <memory>

#include <linux/netlink.h>

struct nl_sock;

namespace vtepd::netlink {

// What a socket reads, shared by single requests and batches.

struct FreeBuffer {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): libnl allocates it
  void operator()(unsigned char* buffer) const { std::free(buffer); }
};

using ReceiveBuffer = std::unique_ptr<unsigned char, FreeBuffer>;

struct Datagram {
  ReceiveBuffer buffer;
  int size = 0;  // or a negative errno
};

int errno_of(int libnl_error);
Datagram read_datagram(nl_sock* socket);
Bytes payload_of(const nlmsghdr* message);
// NLMSG_ERROR, which is the acknowledgement too.
Answer parse_answer(const nlmsghdr* message);

}  // namespace vtepd::netlink
