// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/announcement.h"

#include "base/unique_fd.h"

#include <array>
#include <cerrno>
#include <cstdint>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace vtepd::netlink {

namespace {

constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::array<std::uint8_t, 6> kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::array<std::uint8_t, 6> kAllNodesMac{0x33, 0x33, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kHopLimit = 255;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint32_t kOverride = 0x20000000;
constexpr std::uint16_t kAdvertisementLength = 32;  // with the target's link-layer address

// Puts fields one behind the other, numbers in network byte order.
class FrameWriter {
 public:
  template <std::size_t N>
  void put(const std::array<std::uint8_t, N>& bytes) {
    for (const auto byte : bytes) {
      frame_.push_back(std::byte{byte});
    }
  }

  void put8(std::uint8_t value) { frame_.push_back(std::byte{value}); }

  void put16(std::uint16_t value) {
    put8(static_cast<std::uint8_t>(value >> 8U));
    put8(static_cast<std::uint8_t>(value));
  }

  void put32(std::uint32_t value) {
    put16(static_cast<std::uint16_t>(value >> 16U));
    put16(static_cast<std::uint16_t>(value));
  }

  std::vector<std::byte>& frame() { return frame_; }

 private:
  std::vector<std::byte> frame_;
};

void put_ethernet(FrameWriter& writer, const std::array<std::uint8_t, 6>& to,
                  const MacAddress& from, std::uint16_t type) {
  writer.put(to);
  writer.put(from.bytes);
  writer.put16(type);
}

// RFC 826; sender and target are the same address.
void put_arp(FrameWriter& writer, const IpAddress& address, const MacAddress& mac) {
  writer.put16(1);       // Ethernet
  writer.put16(0x0800);  // IPv4
  writer.put8(6);
  writer.put8(4);
  writer.put16(1);  // request
  writer.put(mac.bytes);
  writer.put32(address.to_v4());
  writer.put(std::array<std::uint8_t, 6>{});
  writer.put32(address.to_v4());
}

std::uint32_t add_words(std::uint32_t sum, const std::vector<std::byte>& bytes, std::size_t from) {
  for (std::size_t i = from; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i]) << 8U | static_cast<std::uint32_t>(bytes[i + 1]);
  }
  return sum;
}

// The checksum covers the addresses, which stand in front of the message, and the pseudo header.
void put_advertisement(FrameWriter& writer, const IpAddress& address, const MacAddress& mac) {
  writer.put32(0x60000000);
  writer.put16(kAdvertisementLength);
  writer.put8(kIcmpv6);
  writer.put8(kHopLimit);
  const auto addresses = writer.frame().size();
  writer.put(address.bytes);
  writer.put(kAllNodes);
  const auto message = writer.frame().size();
  writer.put8(kAdvertisement);
  writer.put8(0);
  writer.put16(0);  // checksum
  writer.put32(kOverride);
  writer.put(address.bytes);
  writer.put8(2);  // target's link-layer address
  writer.put8(1);  // in units of 8 bytes
  writer.put(mac.bytes);
  auto sum = add_words(kAdvertisementLength + kIcmpv6, writer.frame(), addresses);
  while (sum > 0xffff) {
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  writer.frame().at(message + 2) = std::byte(~sum >> 8U & 0xffU);
  writer.frame().at(message + 3) = std::byte(~sum & 0xffU);
}

sockaddr_in socket_address(const IpAddress& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(address.to_v4());
  return result;
}

}  // namespace

std::vector<std::byte> announcement(const IpAddress& address, const MacAddress& mac) {
  FrameWriter writer;
  if (address.is_v4()) {
    put_ethernet(writer, kBroadcast, mac, kArp);
    put_arp(writer, address, mac);
  } else {
    put_ethernet(writer, kAllNodesMac, mac, kIpv6);
    put_advertisement(writer, address, mac);
  }
  return std::move(writer.frame());
}

std::vector<std::byte> encapsulated_announcement(const RemoteAnnouncement& what,
                                                 const MacAddress& receiver) {
  constexpr std::uint32_t kValidVni = 0x08000000;
  FrameWriter writer;
  writer.put32(kValidVni);
  writer.put32(what.vni.value << 8U);
  put_ethernet(writer, receiver.bytes, what.mac, kArp);
  put_arp(writer, what.address, what.mac);
  return std::move(writer.frame());
}

Result<void> send_encapsulated(const RemoteAnnouncement& what) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto from = socket_address(what.from, 0);
  if (socket.get() < 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
    return fail_errno(errno, "open a socket at VTEP " + what.from.to_string());
  }
  Result<void> result;
  for (const auto& receiver : what.receivers) {
    const auto to = socket_address(receiver.vtep, what.port);
    const auto packet = encapsulated_announcement(what, receiver.mac);
    if (::sendto(socket.get(), packet.data(), packet.size(), 0,
                 reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 &&
        result) {
      result = fail_errno(errno, "send an announcement to VTEP " + receiver.vtep.to_string());
    }
  }
  return result;
}

// The host end's egress program drops what the host sends there; a packet socket that bypasses the
// qdisc bypasses it as well.
Result<void> send_frame(IfIndex interface, const std::vector<std::byte>& frame) {
  const UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) {
    return fail_errno(errno, "open a packet socket");
  }
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) {
    return fail_errno(errno, "set PACKET_QDISC_BYPASS");
  }
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(interface.value);
  if (::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
               sizeof to) < 0) {
    return fail_errno(errno,
                      "send an announcement out of interface " + std::to_string(interface.value));
  }
  return {};
}

}  // namespace vtepd::netlink
