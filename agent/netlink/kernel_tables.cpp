// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/kernel_tables.h"

#include <algorithm>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace vtepd::netlink {

namespace {

constexpr int kPut = NLM_F_CREATE | NLM_F_REPLACE;

ndmsg entry_header(int family, IfIndex device, std::uint16_t state, std::uint8_t flags) {
  ndmsg header{};
  header.ndm_family = static_cast<std::uint8_t>(family);
  header.ndm_ifindex = static_cast<int>(device.value);
  header.ndm_state = state;
  header.ndm_flags = flags;
  return header;
}

Message mac_request(std::uint16_t type, int flags, const ndmsg& header, const MacAddress& mac) {
  Message message(type, flags);
  message.header(header);
  message.put_bytes(NDA_LLADDR, mac.bytes);
  return message;
}

Message neighbour_request(std::uint16_t type, int flags, IfIndex vxlan, const IpAddress& address) {
  Message message(type, flags);
  message.header(entry_header(address.is_v4() ? AF_INET : AF_INET6, vxlan, NUD_PERMANENT, 0));
  message.put_bytes(NDA_DST, to_wire(address));
  return message;
}

ndmsg remote_header(IfIndex vxlan) {
  return entry_header(AF_BRIDGE, vxlan, NUD_PERMANENT, NTF_SELF);
}

ndmsg port_header(IfIndex port) {
  return entry_header(AF_BRIDGE, port, NUD_NOARP, NTF_MASTER);
}

}  // namespace

Message put_remote_mac(IfIndex vxlan, const MacAddress& mac, const IpAddress& vtep) {
  Message message = mac_request(RTM_NEWNEIGH, kPut, remote_header(vxlan), mac);
  message.put_bytes(NDA_DST, to_wire(vtep));
  return message;
}

Message remove_remote_mac(IfIndex vxlan, const MacAddress& mac) {
  return mac_request(RTM_DELNEIGH, 0, remote_header(vxlan), mac);
}

Message get_remote_mac(IfIndex vxlan, const MacAddress& mac) {
  return mac_request(RTM_GETNEIGH, 0, entry_header(AF_BRIDGE, vxlan, 0, NTF_SELF), mac);
}

Message put_port_mac(IfIndex port, const MacAddress& mac) {
  return mac_request(RTM_NEWNEIGH, kPut, port_header(port), mac);
}

Message remove_port_mac(IfIndex port, const MacAddress& mac) {
  return mac_request(RTM_DELNEIGH, 0, port_header(port), mac);
}

Message get_port_mac(IfIndex port, const MacAddress& mac) {
  return mac_request(RTM_GETNEIGH, 0, entry_header(AF_BRIDGE, port, 0, NTF_MASTER), mac);
}

Message put_neighbour(IfIndex vxlan, const IpAddress& address, const MacAddress& mac) {
  Message message = neighbour_request(RTM_NEWNEIGH, kPut, vxlan, address);
  message.put_bytes(NDA_LLADDR, mac.bytes);
  return message;
}

Message remove_neighbour(IfIndex vxlan, const IpAddress& address) {
  return neighbour_request(RTM_DELNEIGH, 0, vxlan, address);
}

Message get_neighbour(IfIndex vxlan, const IpAddress& address) {
  Message message(RTM_GETNEIGH, 0);
  message.header(entry_header(address.is_v4() ? AF_INET : AF_INET6, vxlan, 0, 0));
  message.put_bytes(NDA_DST, to_wire(address));
  return message;
}

std::optional<KernelEntry> parse_entry(const Reply& reply) {
  const auto parts = reply.split<ndmsg>();
  if ((reply.type != RTM_NEWNEIGH && reply.type != RTM_GETNEIGH) || !parts) {
    return std::nullopt;
  }
  const auto& [header, attributes] = *parts;
  KernelEntry entry;
  entry.device = IfIndex{static_cast<std::uint32_t>(header.ndm_ifindex)};
  entry.bridge_family = header.ndm_family == AF_BRIDGE;
  entry.of_bridge = (header.ndm_flags & NTF_SELF) == 0;
  // The bridge's own word for the MACs of its ports is NUD_PERMANENT, for static ones NUD_NOARP.
  entry.lasting = entry.bridge_family && entry.of_bridge ? header.ndm_state == NUD_NOARP
                                                         : (header.ndm_state & NUD_PERMANENT) != 0;
  if (const Bytes mac = attributes.bytes(NDA_LLADDR); mac.size() == 6) {
    entry.mac.emplace();
    std::copy(mac.begin(), mac.end(), entry.mac->bytes.begin());
  }
  entry.address = from_wire(attributes.bytes(NDA_DST));
  return entry;
}

Result<void> dump_entries(Socket& socket, const std::function<void(const KernelEntry&)>& take) {
  for (const int family : {AF_BRIDGE, AF_INET, AF_INET6}) {
    Message message(RTM_GETNEIGH, NLM_F_DUMP);
    // The bridge family's dump takes an ifinfomsg too, and tells them apart by their length.
    message.header(entry_header(family, {}, 0, 0));
    const Answer answer = socket.request(message, [&](const Reply& reply) {
      if (const auto entry = parse_entry(reply)) {
        take(*entry);
      }
    });
    if (!answer.ok()) {
      return answer.result("list the entries of the overlay networks");
    }
  }
  return {};
}

}  // namespace vtepd::netlink
