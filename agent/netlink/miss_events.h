// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "netlink/kernel_tables.h"
#include "netlink/rtnl_socket.h"

#include <functional>

namespace vtepd::netlink {

// What vxlan devices with l2miss and l3miss say: somebody asks for an address without a neighbour
// entry, or sends to a MAC without an FDB entry. Threading: one thread.
class MissEvents {
 public:
  static Result<MissEvents> open(int netns);

  [[nodiscard]] int fd() const { return socket_.fd(); }

  // Takes what is waiting, up to a few hundred; some may have been lost. An entry has either an
  // address or a MAC.
  void read(const std::function<void(const KernelEntry&)>& take);

 private:
  explicit MissEvents(Socket socket) : socket_(std::move(socket)) {}

  Socket socket_;
};

}  // namespace vtepd::netlink
