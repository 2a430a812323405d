// SPDX-License-Identifier: GPL-2.0-only
// Frames for tests, written layer by layer:
//   Ethernet{.dst = kMacB, .src = kMacA} / Ipv4{.src = "192.0.2.1"} / Udp{.dst = 4789} / Payload{8}
// Lengths, types and checksums are filled in from what follows; each can be set to something else
// to make a bad frame. Addresses by default are those for documentation (RFC 5737, RFC 3849).
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vtepd::test {

using Bytes = std::vector<std::uint8_t>;

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  constexpr Mac() = default;

  // The last two of 02:00:5e:10:xx:xx.
  constexpr explicit Mac(std::uint16_t number)
      : bytes{0x02,
              0x00,
              0x5e,
              0x10,
              static_cast<std::uint8_t>(number >> 8),
              static_cast<std::uint8_t>(number)} {}

  constexpr explicit Mac(std::array<std::uint8_t, 6> value) : bytes(value) {}

  bool operator==(const Mac&) const = default;
};

inline constexpr Mac kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct Ip4 {
  std::array<std::uint8_t, 4> bytes{};
  Ip4() = default;
  Ip4(const char* text);  // NOLINT(google-explicit-constructor): an address in a test
};

struct Ip6 {
  std::array<std::uint8_t, 16> bytes{};
  Ip6() = default;
  Ip6(const char* text);  // NOLINT(google-explicit-constructor): an address in a test
  explicit Ip6(const Ip4& mapped);
};

// fe80::/64 with the EUI-64 of the MAC.
Ip6 link_local_of(const Mac& mac);
// ff02::1:ff00:0/104 with the last three bytes of the address.
Ip6 solicited_node_of(const Ip6& address);
// 33:33 and the last four bytes of the group.
Mac multicast_mac_of(const Ip6& group);

struct Ethernet {
  Mac dst{};
  Mac src{};
  std::optional<std::uint16_t> type{};
};

struct Vlan {
  std::uint16_t id = 1;
  std::uint16_t tpid = 0x8100;  // what the header in front announces
  std::optional<std::uint16_t> type{};
};

struct Ipv4 {
  Ip4 src = "192.0.2.1";
  Ip4 dst = "192.0.2.2";
  std::uint8_t tos = 0;
  std::uint16_t id = 0;
  std::uint16_t fragment = 0x4000;  // flags and offset; don't fragment
  std::uint8_t ttl = 64;
  std::optional<std::uint8_t> proto{};
  std::optional<std::uint16_t> length{};
  std::optional<std::uint16_t> checksum{};
  std::optional<std::uint8_t> version_ihl{};
  Bytes options{};
};

struct Ipv6 {
  Ip6 src = "2001:db8::1";
  Ip6 dst = "2001:db8::2";
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 64;
  std::optional<std::uint8_t> next{};
  std::optional<std::uint16_t> length{};
};

// An extension header: its own number, and what follows next header and length.
struct Ipv6Ext {
  std::uint8_t number = 0;
  Bytes body = {0, 1, 4, 0, 0, 0, 0};  // length 0 (8 bytes), PadN
  std::optional<std::uint8_t> next{};
};

struct Udp {
  std::uint16_t src = 40000;
  std::uint16_t dst = 9;
  std::optional<std::uint16_t> length{};
  std::optional<std::uint16_t> checksum{};
};

struct Tcp {
  std::uint16_t src = 40000;
  std::uint16_t dst = 80;
  std::uint32_t seq = 1;
  std::uint8_t flags = 0x10;
  std::optional<std::uint16_t> checksum{};
};

struct Icmp {
  std::uint8_t type = 8;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;
  std::optional<std::uint16_t> checksum{};
};

struct Icmpv6 {
  std::uint8_t type = 128;
  std::uint8_t code = 0;
  Bytes body = Bytes(4);
  std::optional<std::uint16_t> checksum{};
};

struct Arp {
  std::uint16_t op = 1;
  Mac sender_mac{};
  Ip4 sender = "192.0.2.1";
  Mac target_mac{};
  Ip4 target = "192.0.2.2";
  std::uint16_t hardware = 1;
};

struct Vxlan {
  std::uint32_t vni = 42;
  std::uint8_t flags = 8;
  std::uint32_t reserved = 0;  // 24 bits behind the flags
};

struct Payload {
  Bytes bytes{};
  Payload() = default;
  explicit Payload(std::size_t size);  // 0, 1, 2 …

  explicit Payload(Bytes content) : bytes(std::move(content)) {}
};

// Options and bodies of neighbour discovery.
Bytes nd_option(std::uint8_t type, const Mac& mac);
Icmpv6 neighbour_solicit(const Ip6& target, const Bytes& options = {});
Icmpv6 neighbour_advert(const Ip6& target, std::uint32_t flags, const Bytes& options = {});
Icmpv6 router_solicit(const Bytes& options = {});
Icmpv6 router_advert();

using Layer =
    std::variant<Ethernet, Vlan, Ipv4, Ipv6, Ipv6Ext, Udp, Tcp, Icmp, Icmpv6, Arp, Vxlan, Payload>;

class Packet {
 public:
  Packet() = default;
  template <typename L>

  requires std::constructible_from<Layer, L> Packet(L layer)
      : layers_{Layer(std::move(layer))} {}  // NOLINT(google-explicit-constructor)

  // The frame, from the innermost layer outwards.
  [[nodiscard]] Bytes bytes() const;

  friend Packet operator/(Packet left, const Packet& right);

 private:
  std::vector<Layer> layers_;
};

Packet operator/(Packet left, const Packet& right);

// RFC 1071, folded and complemented.
std::uint16_t internet_checksum(const Bytes& data, std::uint32_t initial = 0);

// Empty if equal, else both as hex side by side from the first line that differs, with its offset.
std::string difference(const Bytes& expected, const Bytes& actual);

}  // namespace vtepd::test
