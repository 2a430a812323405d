// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "netlink/link_table.h"
#include "netlink/rtnl_socket.h"
#include "ports/underlay.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::netlink {

// Which device is the underlay; exactly one of the two is given.
struct UnderlayConfig {
  std::optional<IpAddress> address;
  std::string device;
};

// Underlay by rtnetlink in the namespace of the thread that calls create().
//
// Watched: links with their offloads, and the addresses, routes, rules and next hop objects of the
// family of our address. Not watched:
// - neighbours. The answers hold next hops, not their MACs, which the kernel resolves for each
//   packet (bpf_redirect_neigh, bpf_fib_lookup, vxlan); confirmations alone would make a storm.
// - path MTU exceptions, of which the kernel tells nobody. resolve() sees them.
// The host ends of ports (veth without ARP) count only when they go.
//
// Threading: one thread. The owner calls on_readable() whenever fd() is readable; the callback
// comes from there and may call device() and resolve().
class UnderlayMonitor : public Underlay {
 public:
  static Result<std::unique_ptr<UnderlayMonitor>> create(UnderlayConfig config);

  [[nodiscard]] int fd() const { return notifications_.fd(); }

  // Reads all that is waiting, then calls back at most once. When the kernel had to drop
  // notifications, everything may have changed: interfaces are listed again and the callback comes
  // in any case. An error is for the log; watching goes on.
  Result<void> on_readable();

  void subscribe(OnChange callback) override { callback_ = std::move(callback); }

  Result<UnderlayDevice> device() override;
  Result<UnderlayRoute> resolve(const IpAddress& vtep) override;
  Result<std::pair<std::uint16_t, std::uint16_t>> port_range() override;
  Result<bool> segments_tunnels(IfIndex device) override;

 private:
  UnderlayMonitor(UnderlayConfig config, Socket requests, Socket notifications);

  Result<void> list_again();
  bool note(const Reply& reply);
  Result<UnderlayDevice> device_with_address(const IpAddress& address);
  Result<UnderlayDevice> device_with_name(const std::string& name);

  UnderlayConfig config_;
  Socket requests_;
  Socket notifications_;
  LinkTable links_;
  bool links_uncertain_ = false;     // notifications were lost and the links not listed since
  std::optional<IpAddress> source_;  // our address, until something changes
  OnChange callback_;
};

}  // namespace vtepd::netlink
