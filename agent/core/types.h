// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace vtepd {

// VXLAN network identifier, RFC 7348: 24 bits. 0 means "none yet".
struct Vni {
  static constexpr std::uint32_t kMax = 0xffffff;
  std::uint32_t value = 0;

  static Result<Vni> create(std::uint64_t value);  // 1 ... 2^24-1
  auto operator<=>(const Vni&) const = default;
};

// Interface index; unique within one network namespace. 0 means "none".
struct IfIndex {
  std::uint32_t value = 0;
  auto operator<=>(const IfIndex&) const = default;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};  // wire order

  // "02:42:c0:a8:00:02", either case. Multicast and all-zero addresses are refused by
  // parse_unicast, which is what an endpoint may have.
  static Result<MacAddress> parse(std::string_view text);
  static Result<MacAddress> parse_unicast(std::string_view text);

  [[nodiscard]] bool is_multicast() const { return (bytes[0] & 1U) != 0; }

  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const MacAddress&) const = default;
};

// IPv4 or IPv6 address in 16 bytes of wire order; IPv4 is v4-mapped (RFC 4291 section 2.5.5.2).
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v6(const std::array<std::uint8_t, 16>& wire);
  static Result<IpAddress> parse(std::string_view text);  // "192.0.2.1" or "2001:db8::1"
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_unspecified() const;  // 0.0.0.0 or ::
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] std::uint32_t to_v4() const;  // host order; only if is_v4()
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const IpAddress&) const = default;
};

// An address with a prefix length of its own family (0...32 or 0...128). `address` keeps its host
// bits: an interface address is an IpPrefix too.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;

  static Result<IpPrefix> parse(std::string_view text);  // "192.0.2.1/24"; length is required

  [[nodiscard]] bool is_v4() const { return address.is_v4(); }

  [[nodiscard]] IpPrefix network() const;  // host bits cleared
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] bool overlaps(const IpPrefix& other) const;
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const IpPrefix&) const = default;
};

// MAC that Docker gives an endpoint by default: 02:42 and the four bytes of its IPv4 address.
[[nodiscard]] MacAddress docker_mac(const IpAddress& v4);

// FNV-1a over the object's bytes; the same in every build.
[[nodiscard]] std::size_t hash_bytes(const void* data, std::size_t size);

// Two words into one, for hash tables. By Fibonacci hashing's multiplier, then the high bits down,
// which have all of it.
[[nodiscard]] constexpr std::size_t mix(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  const std::uint64_t first = a * kGolden;
  const std::uint64_t both = (b ^ (first >> 32U) ^ first) * kGolden;
  return both ^ (both >> 32U);
}

}  // namespace vtepd

template <>
struct std::hash<vtepd::MacAddress> {
  std::size_t operator()(const vtepd::MacAddress& v) const noexcept {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, v.bytes.data(), v.bytes.size());
    return vtepd::mix(bytes, 0);
  }
};

template <>
struct std::hash<vtepd::IpAddress> {
  std::size_t operator()(const vtepd::IpAddress& v) const noexcept {
    std::array<std::uint64_t, 2> halves{};
    std::memcpy(halves.data(), v.bytes.data(), v.bytes.size());
    return vtepd::mix(halves[0], halves[1]);
  }
};
