// SPDX-License-Identifier: GPL-2.0-only
// Addresses, neighbour discovery bodies, checksums and the comparison of frames.
#include "packet.h"

#include <algorithm>
#include <span>
#include <stdexcept>

#include <arpa/inet.h>

namespace vtepd::test {

namespace {

std::string hex_line(const Bytes& data, std::size_t at) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string line;
  for (std::size_t i = at; i < at + 16; i++) {
    line += i < data.size() ? kDigits[data[i] >> 4] : ' ';
    line += i < data.size() ? kDigits[data[i] & 15] : ' ';
    line += i % 2 == 1 ? " " : "";
  }
  return line;
}

}  // namespace

Ip4::Ip4(const char* text) {
  if (inet_pton(AF_INET, text, bytes.data()) != 1) {
    throw std::invalid_argument(text);
  }
}

Ip6::Ip6(const char* text) {
  if (inet_pton(AF_INET6, text, bytes.data()) != 1) {
    throw std::invalid_argument(text);
  }
}

Ip6::Ip6(const Ip4& mapped) {
  bytes[10] = bytes[11] = 0xff;
  std::ranges::copy(mapped.bytes, bytes.begin() + 12);
}

Ip6 link_local_of(const Mac& mac) {
  Ip6 out = "fe80::ff:fe00:0";
  const auto& m = mac.bytes;
  std::ranges::copy(std::array{static_cast<std::uint8_t>(m[0] ^ 2), m[1], m[2]},
                    out.bytes.begin() + 8);
  std::ranges::copy(std::array{m[3], m[4], m[5]}, out.bytes.begin() + 13);
  return out;
}

Ip6 solicited_node_of(const Ip6& address) {
  Ip6 out = "ff02::1:ff00:0";
  std::ranges::copy(std::span(address.bytes).last(3), out.bytes.begin() + 13);
  return out;
}

Mac multicast_mac_of(const Ip6& group) {
  const auto& g = group.bytes;
  return Mac({0x33, 0x33, g[12], g[13], g[14], g[15]});
}

Payload::Payload(std::size_t size) : bytes(size) {
  for (std::size_t i = 0; i < size; i++) {
    bytes[i] = static_cast<std::uint8_t>(i);
  }
}

Bytes nd_option(std::uint8_t type, const Mac& mac) {
  Bytes out{type, 1};
  out.insert(out.end(), mac.bytes.begin(), mac.bytes.end());
  return out;
}

Icmpv6 neighbour_advert(const Ip6& target, std::uint32_t flags, const Bytes& options) {
  Bytes body{static_cast<std::uint8_t>(flags >> 24), 0, 0, 0};
  body.insert(body.end(), target.bytes.begin(), target.bytes.end());
  body.insert(body.end(), options.begin(), options.end());
  return {.type = 136, .body = body};
}

Icmpv6 neighbour_solicit(const Ip6& target, const Bytes& options) {
  Icmpv6 out = neighbour_advert(target, 0, options);
  out.type = 135;
  return out;
}

Icmpv6 router_solicit(const Bytes& options) {
  Icmpv6 out{.type = 133};
  out.body.insert(out.body.end(), options.begin(), options.end());
  return out;
}

Icmpv6 router_advert() {
  return {.type = 134, .body = Bytes(12)};
}

std::uint16_t internet_checksum(const Bytes& data, std::uint32_t initial) {
  std::uint64_t sum = initial;
  for (std::size_t i = 0; i < data.size(); i++) {
    sum += static_cast<std::uint64_t>(data[i]) << (i % 2 == 0 ? 8 : 0);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::string difference(const Bytes& expected, const Bytes& actual) {
  const auto [left, right] = std::ranges::mismatch(expected, actual);
  if (left == expected.end() && right == actual.end()) {
    return {};
  }
  const auto first = static_cast<std::size_t>(left - expected.begin());
  std::string out = "expected " + std::to_string(expected.size()) + " bytes, got " +
                    std::to_string(actual.size()) + ", first difference at offset " +
                    std::to_string(first) + "\n";
  for (std::size_t at = first / 16 * 16; at < std::max(expected.size(), actual.size()); at += 16) {
    const std::string a = hex_line(expected, at);
    const std::string b = hex_line(actual, at);
    out += std::to_string(at) + "\t" + a + (a == b ? " | " : " ! ") + b + "\n";
  }
  return out;
}

}  // namespace vtepd::test
