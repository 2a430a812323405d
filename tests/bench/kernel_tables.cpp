// SPDX-License-Identifier: GPL-2.0-only
#include "bench/kernel_tables.h"

#include "base/in_netns.h"
#include "bench/need.h"
#include "bench/numbering.h"
#include "netlink/kernel_tables.h"
#include "netlink/netns.h"

#include <algorithm>
#include <stdexcept>

#include <net/if.h>

namespace vtepd::bench {

namespace {

constexpr std::uint32_t kBatch = 2000;  // endpoints

void send(netlink::Socket& socket, std::vector<netlink::Message>& messages) {
  for (const auto& refused : need(socket.batch(messages))) {
    throw std::runtime_error(refused.answer.describe("add an entry to the kernel's tables").what);
  }
  messages.clear();
}

}  // namespace

void fill_kernel_tables(const std::string& netns, const std::string& vxlan,
                        std::uint32_t endpoints) {
  const Netns where = need(netlink::open_netns(netns));
  IfIndex device;
  const auto looked = in_netns(where.fd.get(), [&] {
    device.value = if_nametoindex(vxlan.c_str());
    return Result<void>();
  });
  if (!looked || device.value == 0) {
    throw std::runtime_error("no device " + vxlan + " in " + netns);
  }
  auto socket = need(netlink::open_socket(where));
  std::vector<netlink::Message> messages;
  for (std::uint32_t i = 0; i < endpoints; ++i) {
    const Numbered remote = numbered(i);
    messages.push_back(netlink::put_remote_mac(device, remote.mac, remote.vtep));
    messages.push_back(netlink::put_neighbour(device, remote.address, remote.mac));
    if (messages.size() >= std::size_t{2} * kBatch || i + 1 == endpoints) {
      send(socket, messages);
    }
  }
}

}  // namespace vtepd::bench
