// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/types.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

// A network namespace, held open. `cookie` names it for as long as this boot lasts
// (SO_NETNS_COOKIE; the inode before 5.14).
struct Netns {
  UniqueFd fd;
  std::uint64_t cookie = 0;
  bool own = false;  // the daemon's own namespace
};

// The pair of devices of an endpoint. `host_ifname` stays in the daemon's namespace.
struct PortSpec {
  std::string host_ifname;
  std::string ifname;
  MacAddress mac;                   // of the endpoint's interface
  std::uint32_t mtu = 0;            // of both ends
  std::vector<IpPrefix> addresses;  // of the endpoint's interface
  bool ipv6 = false;                // else IPv6 is turned off in that interface
};

// The end of a pair that is in the daemon's namespace.
struct HostEnd {
  IfIndex index;
  std::string name;
};

struct PortLinks {
  IfIndex host;
  IfIndex endpoint;
};

// The MAC of an address, for endpoints that are told by the VTEPs that they are behind.
struct RemoteAnnouncement {
  struct Receiver {
    IpAddress vtep;
    MacAddress mac;
  };

  IpAddress from;          // our VTEP
  std::uint16_t port = 0;  // UDP, of the overlay
  Vni vni;
  IpAddress address;  // IPv4
  MacAddress mac;
  std::vector<Receiver> receivers;
};

// An interface with this name is there; is it the other end of `host_ifname`?
struct PortState {
  IfIndex host;
  IfIndex endpoint;
  MacAddress mac;
  bool up = false;
};

// Makes and removes the interfaces of endpoints. Called on the loop's thread only; each call takes
// some milliseconds at most.
class Links {
 public:
  virtual ~Links() = default;

  // `path`: a file that refers to a network namespace. NotFound names it.
  virtual Result<Netns> open_netns(const std::string& path) = 0;
  // The first free "<prefix>N" in that namespace.
  virtual Result<std::string> free_ifname(const Netns& netns, const std::string& prefix) = 0;
  // Makes the pair, both ends down; the host end as closed as it can be (no addresses, no IPv6, no
  // ARP, rp_filter=1). Conflict if a name is taken. Nothing stays on failure.
  virtual Result<PortLinks> create_port(const Netns& netns, const PortSpec& spec) = 0;
  // Gives the endpoint its addresses and sets both ends up; frames flow when it returns.
  virtual Result<void> bring_up(const Netns& netns, const PortSpec& spec) = 0;
  // How long TCP frames of that interface may be (core/tcp_frame.h). Left as it is where somebody
  // else chose another length, and by a kernel before 6.3.
  virtual Result<void> set_tcp_frame(const Netns& netns, const std::string& ifname,
                                     std::uint32_t bytes) = 0;
  // Whether `ifname` in that namespace and `host_ifname` here are the two ends of one pair.
  virtual Result<std::optional<PortState>> find_port(const Netns& netns, const std::string& ifname,
                                                     const std::string& host_ifname) = 0;
  // Index of an interface of the daemon's namespace; none if it is not there.
  virtual Result<std::optional<IfIndex>> find_link(const std::string& name) = 0;
  // Name of an interface of the daemon's namespace now; none if it is not there.
  virtual Result<std::optional<std::string>> link_name(IfIndex index) = 0;
  // Gives an interface of the daemon's namespace this name. Conflict if another has it.
  virtual Result<void> rename(IfIndex index, const std::string& name) = 0;
  // What these host ends need besides their programs, so that sending from them costs less; says
  // what it put right. An error costs speed and nothing else.
  virtual Result<std::vector<std::string>> verify_host_ends(const std::vector<HostEnd>& ends) = 0;
  // Where the room for the outer header in what endpoints send comes from, for `show status`.
  virtual std::string headroom() = 0;
  // Removes the pair; no error if it is gone already.
  virtual Result<void> remove_port(const std::string& host_ifname) = 0;
  // Sends a gratuitous ARP request or an unsolicited neighbour advertisement out of the host end:
  // whoever is behind it learns that this MAC has the address now.
  virtual Result<void> announce(IfIndex host_end, const IpAddress& address,
                                const MacAddress& mac) = 0;
  // The same to endpoints on hosts that do not run vtepd and so would not tell them: in a VXLAN
  // packet each, from our VTEP. The first error, after all were tried.
  virtual Result<void> announce_remote(const RemoteAnnouncement& announcement) = 0;
  // MACs of all interfaces of the daemon's namespace; an endpoint may have none of these.
  virtual Result<std::vector<MacAddress>> host_macs() = 0;
};

}  // namespace vtepd
