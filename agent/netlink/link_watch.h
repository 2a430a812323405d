// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "netlink/link_table.h"
#include "netlink/rtnl_socket.h"

#include <string>
#include <vector>

namespace vtepd::netlink {

// Tells which interfaces of a namespace went. Threading: one thread.
class LinkWatch {
 public:
  // `netns` is a network namespace; it need not stay open.
  static Result<LinkWatch> open(int netns);

  [[nodiscard]] int fd() const { return notifications_.fd(); }

  // Reads what is waiting. Names that stopped meaning their interface since the last call: it was
  // deleted, moved to another namespace or renamed.
  Result<std::vector<std::string>> read();

 private:
  LinkWatch(Socket requests, Socket notifications)
      : requests_(std::move(requests)), notifications_(std::move(notifications)) {}

  Result<void> list_again();

  Socket requests_;
  Socket notifications_;
  LinkTable links_;
};

}  // namespace vtepd::netlink
