// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "netlink/headroom_bridge.h"
#include "netlink/netns.h"
#include "netlink/port_requests.h"
#include "netlink/rtnl_socket.h"
#include "ports/links.h"

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace vtepd::netlink {

// Links by rtnetlink and /proc/sys. The namespace of the thread that calls create() is the
// daemon's own; the host ends of ports are made there or in another one, their home.
//
// Threading: one thread; what must run inside another namespace does so on a short-lived thread.
// Lifetime: a Netns holds its namespace open. If everybody else lets go of that namespace, a port
// made in it goes when the Netns does.
class LinkManager : public Links {
 public:
  // `home`: a network namespace that stays open, or -1 for the daemon's own. `kind`: of the ports
  // that are made; those that are there may be of either.
  static Result<std::unique_ptr<LinkManager>> create(int home = -1, PairKind kind = PairKind::Veth);

  Result<Netns> open_netns(const std::string& path) override;
  Result<std::string> free_ifname(const Netns& netns, const std::string& prefix) override;
  Result<PortLinks> create_port(const Netns& netns, const PortSpec& spec) override;
  // Waits for the kernel to start the queues of both ends, 2 s at most. Harmless if repeated.
  Result<void> bring_up(const Netns& netns, const PortSpec& spec) override;
  Result<void> set_tcp_frame(const Netns& netns, const std::string& ifname,
                             std::uint32_t bytes) override;
  Result<std::optional<PortState>> find_port(const Netns& netns, const std::string& ifname,
                                             const std::string& host_ifname) override;
  Result<std::optional<IfIndex>> find_link(const std::string& name) override;
  Result<std::optional<std::string>> link_name(IfIndex index) override;
  Result<void> rename(IfIndex index, const std::string& name) override;
  Result<std::vector<std::string>> verify_host_ends(const std::vector<HostEnd>& ends) override;
  std::string headroom() override;
  // Conflict if the name is that of something that no port is made of.
  Result<void> remove_port(const std::string& host_ifname) override;
  Result<void> announce(IfIndex host_end, const IpAddress& address, const MacAddress& mac) override;
  Result<void> announce_remote(const RemoteAnnouncement& announcement) override;
  Result<std::vector<MacAddress>> host_macs() override;

  // For the host ends in the daemon's own namespace.
  void use_headroom(HeadroomBridge bridge) { headroom_.emplace(std::move(bridge)); }

  // Fetches a host end from the namespace it was made in under another data path, down and closed
  // as create_port() makes it. Nothing if it is not there.
  Result<std::optional<IfIndex>> bring_home(int from, const std::string& host_ifname);
  // The interface is there and a netkit device, which cannot be moved to the kernel data path.
  Result<bool> is_netkit(const std::string& host_ifname);
  Result<void> set_up(IfIndex host_end, const std::string& name);

 private:
  LinkManager(Socket socket, Socket own, int home, PairKind kind)
      : socket_(std::move(socket)), own_(std::move(own)), home_(home), kind_(kind) {}

  // Runs it in the namespace of the host ends.
  template <typename Work>
  std::invoke_result_t<Work> at_home(Work work) const {
    return home_ < 0 ? work() : in_netns(home_, work);
  }

  [[nodiscard]] bool is_home(const Netns& netns) const { return home_ < 0 && netns.own; }

  Result<PortLinks> configure_port(const Netns& netns, const PortSpec& spec);
  Error explain_taken(const Netns& netns, const PortSpec& spec);

  Socket socket_;  // in the namespace of the host ends
  Socket own_;     // in the daemon's own
  int home_;
  PairKind kind_;
  std::optional<HeadroomBridge> headroom_;
};

}  // namespace vtepd::netlink
