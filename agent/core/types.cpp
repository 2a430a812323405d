// SPDX-License-Identifier: GPL-2.0-only
#include "core/types.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace vtepd {

namespace {

constexpr std::array<std::uint8_t, 12> kV4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t kV4MappedBits = 96;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

// Length within the 16-byte form.
unsigned mapped_length(const IpPrefix& prefix) {
  return prefix.is_v4() ? prefix.length + kV4MappedBits : prefix.length;
}

bool same_leading_bits(const IpAddress& a, const IpAddress& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, b.bytes.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  if (rest == 0) {
    return true;
  }
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return ((a.bytes.at(whole) ^ b.bytes.at(whole)) & mask) == 0;
}

}  // namespace

Result<Vni> Vni::create(std::uint64_t value) {
  if (value == 0 || value > kMax) {
    return fail(ErrorKind::Invalid, "VNI " + std::to_string(value) + " is not in 1 ... 16777215");
  }
  return Vni{static_cast<std::uint32_t>(value)};
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
  MacAddress mac;
  const auto bad = [&] {
    return fail(ErrorKind::Invalid,
                "'" + std::string(text) + "' is not a MAC address (02:42:c0:a8:00:02)");
  };
  if (text.size() != 17) {
    return bad();
  }
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const int high = hex_digit(text[i * 3]);
    const int low = hex_digit(text[i * 3 + 1]);
    if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':')) {
      return bad();
    }
    mac.bytes.at(i) = static_cast<std::uint8_t>(high * 16 + low);
  }
  return mac;
}

Result<MacAddress> MacAddress::parse_unicast(std::string_view text) {
  auto mac = parse(text);
  if (!mac) {
    return mac;
  }
  if (mac->is_multicast() || *mac == MacAddress{}) {
    return fail(ErrorKind::Invalid, "'" + std::string(text) +
                                        "' is not a unicast MAC address, which an endpoint needs");
  }
  return mac;
}

std::string MacAddress::to_string() const {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(17);
  for (const auto byte : bytes) {
    if (!text.empty()) {
      text += ':';
    }
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  std::copy(kV4Mapped.begin(), kV4Mapped.end(), address.bytes.begin());
  const std::uint32_t wire = htonl(host_order);
  std::memcpy(address.bytes.data() + kV4Mapped.size(), &wire, sizeof wire);
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& wire) {
  return IpAddress{wire};
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) {
    return v4(ntohl(four.s_addr));
  }
  IpAddress six;
  if (inet_pton(AF_INET6, copy.c_str(), six.bytes.data()) == 1 && !six.is_v4()) {
    return six;
  }
  return fail(ErrorKind::Invalid, "'" + copy + "' is not an IP address");
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Mapped.begin(), kV4Mapped.end(), bytes.begin());
}

bool IpAddress::is_unspecified() const {
  return is_v4() ? to_v4() == 0 : *this == IpAddress{};
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes[12] & 0xf0U) == 0xe0 : bytes[0] == 0xff;
}

std::uint32_t IpAddress::to_v4() const {
  std::uint32_t wire = 0;
  std::memcpy(&wire, bytes.data() + kV4Mapped.size(), sizeof wire);
  return ntohl(wire);
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + kV4Mapped.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto bad = [&](std::string_view why) {
    return fail(
        ErrorKind::Invalid,
        "'" + std::string(text) + "' is not an address with a prefix length: " + std::string(why));
  };
  if (slash == std::string_view::npos) {
    return bad("there is no '/'");
  }
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return fail(address.error());
  }
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (code != std::errc{} || end != digits.data() + digits.size() || digits.front() == '+') {
    return bad("the length is not a number");
  }
  if (length > (address->is_v4() ? 32U : 128U)) {
    return bad("the length is too large");
  }
  return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

IpPrefix IpPrefix::network() const {
  IpPrefix result = *this;
  const unsigned bits = mapped_length(*this);
  for (unsigned i = 0; i < result.address.bytes.size(); ++i) {
    auto& byte = result.address.bytes.at(i);
    if (i * 8 >= bits) {
      byte = 0;
    } else if (bits - i * 8 < 8) {
      byte = static_cast<std::uint8_t>(byte & (0xff00U >> (bits - i * 8)));
    }
  }
  return result;
}

bool IpPrefix::contains(const IpAddress& other) const {
  return is_v4() == other.is_v4() && same_leading_bits(address, other, mapped_length(*this));
}

bool IpPrefix::overlaps(const IpPrefix& other) const {
  return is_v4() == other.is_v4() &&
         same_leading_bits(address, other.address,
                           std::min(mapped_length(*this), mapped_length(other)));
}

std::string IpPrefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

MacAddress docker_mac(const IpAddress& v4) {
  return MacAddress{{0x02, 0x42, v4.bytes[12], v4.bytes[13], v4.bytes[14], v4.bytes[15]}};
}

std::size_t hash_bytes(const void* data, std::size_t size) {
  constexpr std::uint64_t kOffset = 14695981039346656037ULL;
  constexpr std::uint64_t kPrime = 1099511628211ULL;
  std::uint64_t hash = kOffset;
  for (const auto* byte = static_cast<const std::uint8_t*>(data); size > 0; --size, ++byte) {
    hash = (hash ^ *byte) * kPrime;
  }
  return hash;
}

}  // namespace vtepd
