// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/link.h"
#include "netlink/rtnl_socket.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace vtepd::netlink {

// The idle vxlan device that keeps the UDP port open, so that the kernel merges tunnel frames (GRO)
// before the programs see them. It is plain, not collect-metadata: plain ones share the port with
// each other. It carries nothing: a VNI that is never allocated, no remote, no learning, no ARP, no
// IPv6, no addresses; the caller attaches a program that drops everything to its ingress between
// create() and set_up().
//
// Conflict means that the port cannot be had; forwarding works without, and the text says at what
// cost. Threading: one thread. The device outlives the object.
class IdleVxlan {
 public:
  static constexpr std::uint32_t kVni = 0xffffff;

  // In the namespace of the calling thread.
  static Result<IdleVxlan> open(std::uint16_t port);

  [[nodiscard]] const std::string& name() const { return name_; }

  // Makes the device, down, or adopts the one that is there with these properties.
  Result<IfIndex> create();
  // Opens the port; only now does the kernel check that it is free. Removes the device if it is
  // not.
  Result<void> set_up();
  // Nothing if there is no device of that name with these properties.
  Result<std::optional<IfIndex>> find();
  // No error if it is gone; a foreign device of that name stays.
  Result<void> remove();

 private:
  IdleVxlan(Socket socket, std::uint16_t port);

  [[nodiscard]] bool is_ours(const LinkInfo& link) const;
  Answer request_device();
  Result<void> close_device(IfIndex index);
  Error explain_taken();
  Error explain_port_in_use();

  Socket socket_;
  std::uint16_t port_;
  std::string name_;
};

}  // namespace vtepd::netlink
