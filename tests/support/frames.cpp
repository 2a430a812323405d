// SPDX-License-Identifier: GPL-2.0-only
#include "support/frames.h"

#include <array>
#include <stdexcept>

namespace vtepd::test {

Mac mac_of(const std::string& text) {
  std::array<std::uint8_t, 6> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes.at(i) = static_cast<std::uint8_t>(std::stoul(text.substr(i * 3, 2), nullptr, 16));
  }
  return Mac(bytes);
}

Bytes datagram(const Container& from, const Container& to, std::uint16_t source_port,
               std::size_t size) {
  return (Ethernet{.dst = mac_of(to.mac), .src = mac_of(from.mac)} /
          Ipv4{.src = from.address.c_str(), .dst = to.address.c_str()} /
          Udp{.src = source_port, .dst = kDiscard} / Payload{size})
      .bytes();
}

Bytes encapsulated(const Outer& outer, const Bytes& inner) {
  return (Ethernet{.dst = outer.dst_mac, .src = outer.src_mac} /
          Ipv4{.src = outer.src.c_str(), .dst = outer.dst.c_str()} /
          Udp{.src = 50000, .dst = outer.port, .checksum = 0} /
          Vxlan{.vni = outer.vni, .flags = outer.flags} / Payload{inner})
      .bytes();
}

std::function<bool(const Frame&)> is(const Bytes& bytes) {
  return [bytes](const Frame& frame) { return frame.bytes == bytes; };
}

void add_kernel_port(const KernelPort& port, const Container& container) {
  port.host.ip("link add ov0 type bridge\nlink add vx0 type vxlan id " + std::to_string(port.vni) +
               " local " + port.local + " dstport 4789 nolearning\n" +
               "link set vx0 mtu 1450 master ov0 up\nlink set ov0 mtu 1450 up\n" +
               "link add port0 mtu 1450 master ov0 type veth peer name eth0 mtu 1450 netns " +
               container.netns.name() + "\nlink set port0 up");
  container.netns.ip(
      (container.mac.empty() ? "" : "link set eth0 address " + container.mac + "\n") +
      (container.address.empty() ? "" : "address add " + container.address + "/24 dev eth0\n") +
      "link set eth0 up");
  const Outcome added = port.host.exec(
      {"bridge", "fdb", "append", port.remote_mac, "dev", "vx0", "dst", port.remote});
  if (!added.ok()) {
    throw std::runtime_error("bridge fdb: " + added.text());
  }
}

}  // namespace vtepd::test
