// SPDX-License-Identifier: GPL-2.0-only
#include "nft/events.h"

#include "vtepd/reasons.h"

#include <algorithm>

#include <linux/if_ether.h>

namespace vtepd::nft {

namespace {

using Bytes = std::span<const std::uint8_t>;

// RFC 826, Ethernet and IPv4.
constexpr std::size_t kArpBytes = 28;
constexpr std::size_t kArpSenderMac = 8;
constexpr std::size_t kArpSender = 14;
constexpr std::size_t kArpTarget = 24;

constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kIpv6Source = 8;
// RFC 4861, section 4.4.
constexpr std::uint8_t kAdvert = 136;
constexpr std::uint8_t kSolicited = 0x40;
constexpr std::size_t kAdvertFlags = kIpv6Bytes + 4;
constexpr std::size_t kAdvertTarget = kIpv6Bytes + 8;
constexpr std::size_t kAdvertOptions = kIpv6Bytes + 24;
constexpr std::uint8_t kTargetMac = 2;

constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kVxlanBytes = 8;
constexpr std::size_t kIpv4Source = 12;

MacAddress mac_at(Bytes bytes, std::size_t offset) {
  MacAddress mac;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), mac.bytes.size(),
              mac.bytes.begin());
  return mac;
}

IpAddress v6_at(Bytes bytes, std::size_t offset) {
  IpAddress address;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), address.bytes.size(),
              address.bytes.begin());
  return address;
}

IpAddress v4_at(Bytes bytes, std::size_t offset) {
  std::uint32_t address = 0;
  for (const auto byte : bytes.subspan(offset, 4)) {
    address = address << 8U | byte;
  }
  return IpAddress::v4(address);
}

// fe80::/64 with the EUI-64 of the MAC (RFC 4291 appendix A).
IpAddress link_local_of(const MacAddress& mac) {
  const auto& m = mac.bytes;
  return IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(m[0] ^ 2U), m[1],
                        m[2], 0xff, 0xfe, m[3], m[4], m[5]});
}

std::optional<DataplaneEvent> event(const LoggedPacket& packet, const MacAddress& mac,
                                    const IpAddress& address) {
  return DataplaneEvent{.reason = VTEP_ANNOUNCED,
                        .vni = Vni{packet.mark},
                        .ifindex = packet.ifindex,
                        .mac = mac,
                        .address = address};
}

std::optional<DataplaneEvent> arp_announcement(const LoggedPacket& packet) {
  if (packet.bytes.size() < kArpBytes) {
    return std::nullopt;
  }
  const auto sender = v4_at(packet.bytes, kArpSender);
  if (sender.is_unspecified() || sender != v4_at(packet.bytes, kArpTarget)) {
    return std::nullopt;
  }
  return event(packet, mac_at(packet.bytes, kArpSenderMac), sender);
}

// The target link-layer address option's, else what the frame came from.
std::optional<MacAddress> advertised_mac(const LoggedPacket& packet) {
  constexpr std::size_t kUnit = 8;
  const auto bytes = packet.bytes;
  for (std::size_t at = kAdvertOptions; at + kUnit <= bytes.size();) {
    const std::size_t size = kUnit * bytes[at + 1];
    if (size == 0) {
      return std::nullopt;
    }
    if (bytes[at] == kTargetMac && size == kUnit) {
      return mac_at(bytes, at + 2);
    }
    at += size;
  }
  return packet.source;
}

std::optional<DataplaneEvent> advertisement(const LoggedPacket& packet) {
  const auto bytes = packet.bytes;
  if (bytes.size() < kAdvertOptions || bytes[kIpv6Bytes] != kAdvert ||
      (bytes[kAdvertFlags] & kSolicited) != 0) {
    return std::nullopt;
  }
  const auto mac = advertised_mac(packet);
  const auto target = v6_at(bytes, kAdvertTarget);
  if (!mac || (packet.source && target == link_local_of(*packet.source))) {
    return std::nullopt;
  }
  return event(packet, *mac, target);
}

}  // namespace

std::optional<DataplaneEvent> announcement_in(const LoggedPacket& packet) {
  switch (packet.protocol) {
    case ETH_P_ARP:
      return arp_announcement(packet);
    case ETH_P_IPV6:
      return advertisement(packet);
    default:
      return std::nullopt;
  }
}

std::optional<DataplaneEvent> stranger_in(const LoggedPacket& packet) {
  const auto bytes = packet.bytes;
  const bool v4 = packet.protocol == ETH_P_IP;
  const std::size_t header = v4 ? (bytes.empty() ? 0U : (bytes[0] & 15U) * 4U) : kIpv6Bytes;
  if (bytes.size() < header + kUdpBytes + kVxlanBytes || header < kIpv4Source + 4) {
    return std::nullopt;
  }
  const auto vxlan = bytes.subspan(header + kUdpBytes);
  DataplaneEvent found{.reason = VTEP_NOT_MEMBER, .ifindex = packet.ifindex};
  found.vni.value = static_cast<std::uint32_t>(vxlan[4]) << 16U |
                    static_cast<std::uint32_t>(vxlan[5]) << 8U | vxlan[6];
  found.address = v4 ? v4_at(bytes, kIpv4Source) : v6_at(bytes, kIpv6Source);
  return found;
}

}  // namespace vtepd::nft
