// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/kernel_probe.h"

#include "base/unique_fd.h"
#include "netlink/link.h"
#include "netlink/port_requests.h"
#include "netlink/rtnl_socket.h"

#include <cerrno>
#include <thread>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <fcntl.h>
#include <sched.h>

namespace vtepd::netlink {

namespace {

constexpr std::uint32_t kVni = 4096;
constexpr std::uint16_t kPort = 4789;
constexpr std::uint32_t kMtu = 1500;

// As that of an endpoint: the first kernels with such devices refused a MAC.
Result<void> make_netkit(Socket& socket) {
  const UniqueFd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  PortSpec spec;
  spec.host_ifname = "try";
  spec.ifname = "tried";
  spec.mac = MacAddress{{0x02, 0, 0, 0, 0, 0x01}};
  spec.mtu = kMtu;
  const Answer answer = request_pair(socket, own.get(), spec, PairKind::Netkit);
  if (answer.error == EOPNOTSUPP) {
    return fail(ErrorKind::Unavailable, "the kernel was built without it (CONFIG_NETKIT)" +
                                            (answer.text.empty() ? "" : ": " + answer.text));
  }
  return answer.result("create a netkit device");
}

Result<void> make(const std::string& kind) {
  if (::unshare(CLONE_NEWNET) != 0) {
    return fail_errno(errno, "make a network namespace to try devices in");
  }
  auto socket = Socket::open();
  if (!socket) {
    return fail(socket.error());
  }
  if (kind == "netkit") {
    return make_netkit(*socket);
  }
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  message.put_string(IFLA_IFNAME, "try");
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_string(IFLA_INFO_KIND, kind);
    if (kind == "vxlan") {
      info.nest(IFLA_INFO_DATA, [&](Message& data) {
        data.put_u32(IFLA_VXLAN_ID, kVni);
        data.put_u16(IFLA_VXLAN_PORT, htons(kPort));
      });
    }
  });
  const Answer answer = socket->request(message);
  if (answer.error == EOPNOTSUPP) {
    return fail(
        ErrorKind::Unavailable,
        "its module '" + kind + "' is not installed, or may not be loaded (modprobe " + kind + ")");
  }
  return answer.result("create a " + kind + " device");
}

}  // namespace

Result<void> try_device(const std::string& kind) {
  Result<void> outcome = fail(ErrorKind::Internal, "not run");
  std::thread([&] { outcome = make(kind); }).join();
  return outcome;
}

bool knows_tcp_frame() {
  auto socket = Socket::open();
  const auto loopback = socket ? find_link(*socket, "lo") : fail(socket.error());
  return loopback && *loopback && (*loopback)->tcp_frame;
}

}  // namespace vtepd::netlink
