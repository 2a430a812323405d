// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/idle_vxlan.h"
#include "netlink/link.h"
#include "netlink/rtnl_socket.h"
#include "ports/links.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::netlink {

// A bridge that is never up and forwards nothing. Its ports are the idle vxlan device and host ends
// of endpoints: of the ports of one bridge the kernel has each leave the headroom that any of them
// needs, and a veth has its other end leave it, too. So what an endpoint sends has room for the
// outer header when the program comes to put it there. There is no other way to tell a veth.
//
// It takes nothing in: its ports are disabled, drop-all programs are in front of them, and they are
// isolated, without learning and flooding, should somebody set it up. Threading: one thread. The
// bridge outlives the object.
class HeadroomBridge {
 public:
  // In the namespace of the calling thread; the port makes the name.
  static Result<HeadroomBridge> open(std::uint16_t port);

  [[nodiscard]] const std::string& name() const { return name_; }

  // Makes the bridge, or adopts the one that is there, and the idle device and all of these its
  // ports; says what it put right. A host end that is no veth is passed over.
  Result<std::vector<std::string>> verify(const std::vector<HostEnd>& ends);
  // Makes a host end a port, once there is a bridge. True if it was not one and is now.
  Result<bool> add(const HostEnd& end);
  // For `vtepctl show status`.
  [[nodiscard]] std::string describe();
  // No error if it is gone; a foreign device of that name stays. True if there was one.
  Result<bool> remove();

 private:
  HeadroomBridge(Socket socket, IdleVxlan idle, std::uint16_t port);

  [[nodiscard]] bool is_ours(const LinkInfo& link) const;
  // True if there was something to do.
  Result<bool> keep_bridge();
  Result<void> request_bridge(bool exists);
  Result<void> close_bridge(IfIndex index);
  // How many were no ports, or not as they should be.
  Result<std::size_t> keep_ports(IfIndex tunnel, const std::vector<HostEnd>& ends);
  Result<void> join(const HostEnd& end);

  Socket socket_;
  IdleVxlan idle_;
  std::string name_;
  MacAddress mac_;
  IfIndex bridge_;              // 0: there is none
  std::set<IfIndex> unfit_;     // host ends that cannot be ports
  std::optional<Error> lacks_;  // the kernel has no bridges
  std::string problem_;
};

}  // namespace vtepd::netlink
