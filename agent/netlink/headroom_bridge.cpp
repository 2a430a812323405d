// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/headroom_bridge.h"

#include "netlink/bridge_port.h"
#include "netlink/port_requests.h"

#include <cerrno>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace vtepd::netlink {

namespace {

// Set by hand it no longer follows the ports' and nobody is told of it with each of them.
constexpr std::uint32_t kMtu = 65535;
constexpr BridgePortInfo kInert{.isolated = true};
constexpr const char* kCost =
    "none, the kernel gives each UDP, ICMP or raw frame a new buffer when it is encapsulated: ";

}  // namespace

// A fixed MAC, which says whose the bridge is, and does not follow the ports' either.
HeadroomBridge::HeadroomBridge(Socket socket, IdleVxlan idle, std::uint16_t port)
    : socket_(std::move(socket)),
      idle_(std::move(idle)),
      name_("vteph" + std::to_string(port)),
      mac_{{0x02, 'v', 't', 'e', static_cast<std::uint8_t>(port >> 8U),
            static_cast<std::uint8_t>(port)}} {}

Result<HeadroomBridge> HeadroomBridge::open(std::uint16_t port) {
  auto socket = Socket::open();
  if (!socket) {
    return fail(socket.error());
  }
  auto idle = IdleVxlan::open(port);
  if (!idle) {
    return fail(idle.error());
  }
  return HeadroomBridge(std::move(*socket), std::move(*idle), port);
}

bool HeadroomBridge::is_ours(const LinkInfo& link) const {
  return link.kind == "bridge" && link.mac == mac_;
}

Result<void> HeadroomBridge::request_bridge(bool exists) {
  Message message(RTM_NEWLINK, exists ? 0 : NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  message.put_string(IFLA_IFNAME, name_);
  if (!exists) {
    message.put_bytes(IFLA_ADDRESS, mac_.bytes);
  }
  message.nest(IFLA_LINKINFO, [](Message& info) {
    info.put_string(IFLA_INFO_KIND, "bridge");
    info.nest(IFLA_INFO_DATA, [](Message& data) {
      data.put_u32(IFLA_BR_STP_STATE, 0);
      data.put_u8(IFLA_BR_MCAST_SNOOPING, 0);
    });
  });
  const Answer answer = socket_.request(message);
  if (answer.error == EOPNOTSUPP) {
    lacks_ = Error{ErrorKind::Unavailable,
                   "the kernel knows no bridges: its module 'bridge' is not installed, or may not "
                   "be loaded"};
    return fail(*lacks_);
  }
  return answer.result("create bridge '" + name_ + "'");
}

// Down, and nothing of the host's own uses it. The MTU, by which a finished one is known, comes
// last.
Result<void> HeadroomBridge::close_bridge(IfIndex index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index.value);
  header.ifi_flags = IFF_NOARP;
  header.ifi_change = IFF_UP | IFF_NOARP;
  Message down(RTM_NEWLINK, 0);
  down.header(header);
  if (auto set = socket_.request(down).result("set bridge '" + name_ + "' down"); !set) {
    return set;
  }
  if (auto closed = close_host_end(socket_, index, name_); !closed) {
    return closed;
  }
  header.ifi_flags = 0;
  header.ifi_change = 0;
  Message mtu(RTM_NEWLINK, 0);
  mtu.header(header);
  mtu.put_u32(IFLA_MTU, kMtu);
  return socket_.request(mtu).result("set the MTU of bridge '" + name_ + "'");
}

Result<bool> HeadroomBridge::keep_bridge() {
  bridge_ = {};
  if (lacks_) {
    return fail(*lacks_);
  }
  auto link = find_link(socket_, name_);
  if (!link) {
    return fail(link.error());
  }
  const bool exists = link->has_value();
  if (exists && is_ours(**link) && !(*link)->is_up() && (*link)->mtu == kMtu) {
    bridge_ = (*link)->index;
    return false;
  }
  if (exists && !is_ours(**link)) {
    return fail(ErrorKind::Conflict,
                "interface '" + name_ + "' exists already and is not vtepd's bridge; remove it");
  }
  if (auto made = request_bridge(exists); !made) {
    return fail(made.error());
  }
  link = find_link(socket_, name_);
  if (!link || !*link) {
    return fail(link ? Error{ErrorKind::NotFound, "bridge '" + name_ + "' has just gone"}
                     : link.error());
  }
  if (auto closed = close_bridge((*link)->index); !closed) {
    return fail(closed.error());
  }
  bridge_ = (*link)->index;
  return true;
}

Result<void> HeadroomBridge::join(const HostEnd& end) {
  const Answer answer = join_bridge(socket_, end.index, bridge_);
  if (answer.error == EXFULL) {
    return fail(ErrorKind::Exhausted,
                "bridge '" + name_ + "' has as many ports as a bridge can have");
  }
  if (!answer.ok()) {
    return fail(answer.describe("make '" + end.name + "' a port of bridge '" + name_ + "'"));
  }
  return set_bridge_port(socket_, end.index, end.name, kInert);
}

Result<bool> HeadroomBridge::add(const HostEnd& end) {
  if (bridge_ == IfIndex{} || unfit_.contains(end.index)) {
    return false;
  }
  const auto link = find_link(socket_, end.index);
  if (!link || !*link) {
    return link ? Result<bool>(false) : fail(link.error());
  }
  if ((*link)->kind != "veth") {
    unfit_.insert(end.index);
    return false;
  }
  const auto joined = join(end);
  return joined ? Result<bool>(true) : fail(joined.error());
}

Result<std::size_t> HeadroomBridge::keep_ports(IfIndex tunnel, const std::vector<HostEnd>& ends) {
  const auto ports = list_links(socket_, bridge_);
  if (!ports) {
    return fail(ports.error());
  }
  std::set<IfIndex> right;
  for (const auto& port : *ports) {
    if (port.bridge_port == kInert) {
      right.insert(port.index);
    }
  }
  std::size_t joined = 0;
  if (!right.contains(tunnel)) {
    if (auto done = join({tunnel, idle_.name()}); !done) {
      return fail(done.error());
    }
    ++joined;
  }
  std::optional<Error> problem;
  for (const auto& end : ends) {
    const auto added = right.contains(end.index) ? Result<bool>(false) : add(end);
    joined += added && *added ? 1U : 0U;
    if (!added) {
      problem = added.error();
      if (problem->kind == ErrorKind::Exhausted) {
        break;
      }
    }
  }
  return problem ? fail(*problem) : Result<std::size_t>(joined);
}

Result<std::vector<std::string>> HeadroomBridge::verify(const std::vector<HostEnd>& ends) {
  const auto give_up = [&](const Error& error) {
    problem_ = error.what;
    return fail(error);
  };
  const auto tunnel = idle_.find();
  if (!tunnel) {
    return give_up(tunnel.error());
  }
  if (!*tunnel) {
    bridge_ = {};
    if (const auto gone = remove(); !gone) {  // of an earlier run
      return give_up(gone.error());
    }
    return give_up({ErrorKind::NotFound,
                    "there is no idle vxlan device '" + idle_.name() + "' that asks for the room"});
  }
  const auto made = keep_bridge();
  if (!made) {
    return give_up(made.error());
  }
  const auto joined = keep_ports(**tunnel, ends);
  if (!joined) {
    return give_up(joined.error());
  }
  problem_.clear();
  if (*made) {
    return std::vector<std::string>{"bridge " + name_ + " was deleted or changed"};
  }
  return *joined == 0 ? std::vector<std::string>{}
                      : std::vector<std::string>{"bridge " + name_ + " had lost " +
                                                 std::to_string(*joined) + " of its ports"};
}

std::string HeadroomBridge::describe() {
  if (bridge_ == IfIndex{}) {
    return kCost + problem_;
  }
  std::size_t count = 0;
  if (const auto ports = list_links(socket_, bridge_)) {
    for (const auto& port : *ports) {
      count += port.kind == "veth" ? 1U : 0U;
    }
  }
  return "bridge " + name_ + " (" + std::to_string(count) + " endpoints" +
         (problem_.empty() ? "" : ", others without: " + problem_) + ")";
}

Result<bool> HeadroomBridge::remove() {
  const auto link = find_link(socket_, name_);
  if (!link) {
    return fail(link.error());
  }
  if (!*link || !is_ours(**link)) {
    return false;
  }
  if (auto gone = delete_link(socket_, (*link)->index, name_); !gone) {
    return fail(gone.error());
  }
  return true;
}

}  // namespace vtepd::netlink
