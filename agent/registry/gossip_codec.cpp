// SPDX-License-Identifier: GPL-2.0-only
#include "registry/gossip_codec.h"

#include "base/first_error.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace vtepd {

namespace {

constexpr std::size_t kShown = 64;  // of a text that a stranger sent
constexpr std::string_view kLookupId = " dummy";
constexpr std::string_view kMapped = "::ffff:";

// For a message: bounded, and without what could confuse a terminal.
std::string shown(std::string_view text) {
  std::string result = "'";
  for (const char c : text.substr(0, kShown)) {
    result += c >= ' ' && c < 0x7f ? c : '?';
  }
  return result + (text.size() > kShown ? "…'" : "'");
}

Failure wrong(std::string_view part, std::string_view text, std::string_view why) {
  return fail(ErrorKind::Invalid, std::string(part) + " " + shown(text) + " " + std::string(why));
}

// Exactly N tokens, none empty, with one blank between them; printable ASCII only, as everything in
// these texts is.
template <std::size_t N>
Result<std::array<std::string_view, N>> split(std::string_view what, std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c >= 0x7f) {
      return wrong(what, text, "has characters that are not printable ASCII");
    }
  }
  std::array<std::string_view, N> tokens;
  std::string_view rest = text;
  for (std::size_t i = 0; i < N; ++i) {
    const auto blank = rest.find(' ');
    tokens[i] = rest.substr(0, blank);
    const bool last = i + 1 == N;
    if (tokens[i].empty() || last != (blank == std::string_view::npos)) {
      return wrong(what, text,
                   "is not of " + std::to_string(N) + " words with one blank between them");
    }
    rest.remove_prefix(last ? rest.size() : blank + 1);
  }
  return tokens;
}

Result<IpAddress> parse_address(std::string_view part, std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address) {
    return wrong(part, text, "is not an IP address");
  }
  if (address->is_unspecified() || address->is_multicast()) {
    return wrong(part, text, "is not a unicast address");
  }
  return *address;
}

Result<ObjectId> parse_id(std::string_view part, std::string_view text) {
  const auto id = ObjectId::parse(text);
  if (!id) {
    return wrong(part, text, "is not of 64 lower-case hex digits");
  }
  return *id;
}

Result<MacAddress> parse_mac(std::string_view text) {
  const auto mac = MacAddress::parse_unicast(text);
  if (!mac) {
    return wrong("MAC", text, "is not a unicast MAC address");
  }
  return *mac;
}

// The bytes of a family within the 16 that an address is kept in.
std::size_t first_byte(bool v4) {
  return v4 ? 12 : 0;
}

Result<IpPrefix> parse_mask(const IpAddress& address, std::string_view text) {
  const auto mask = IpAddress::parse(text);
  // The text of an IPv6 mask has a colon; of an IPv4 one it has none, not even v4-mapped.
  const bool v4_text = text.find(':') == std::string_view::npos;
  if (!mask || v4_text != address.is_v4()) {
    return wrong("mask", text, "is not one of " + address.to_string());
  }
  IpPrefix prefix{address, 0};
  bool ended = false;
  for (std::size_t i = first_byte(v4_text); i < mask->bytes.size(); ++i) {
    for (unsigned bit = 0x80; bit != 0; bit >>= 1U) {
      const bool set = (mask->bytes[i] & bit) != 0;
      if (set && ended) {
        return wrong("mask", text, "has holes");
      }
      ended = !set;
      prefix.length = static_cast<std::uint8_t>(prefix.length + (set ? 1 : 0));
    }
  }
  return prefix;
}

std::string mask_text(const IpPrefix& prefix) {
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t first = first_byte(prefix.is_v4());
  for (std::size_t bit = 0; bit < prefix.length; ++bit) {
    bytes[first + bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  if (!prefix.is_v4()) {
    return IpAddress::v6(bytes).to_string();
  }
  return std::to_string(bytes[12]) + "." + std::to_string(bytes[13]) + "." +
         std::to_string(bytes[14]) + "." + std::to_string(bytes[15]);
}

}  // namespace

std::string PeerEvent::name() const {
  return std::string(kTag) + " " + vtep.to_string() + " " + network.to_string() + " " +
         endpoint.to_string();
}

std::string PeerEvent::payload() const {
  return std::string(join ? "join " : "leave ") + address.address.to_string() + " " +
         mask_text(address) + " " + mac.to_string();
}

std::string LookupLeave::name() const {
  return std::string(PeerEvent::kTag) + " " + std::string(vtep.is_v4() ? kMapped : "") +
         vtep.to_string() + " " + network.to_string() + std::string(kLookupId);
}

std::string LookupLeave::payload() const {
  return "leave " + address.address.to_string() + " " + mask_text(address) + " " + mac.to_string();
}

bool LookupLeave::is_name(std::string_view name) {
  return name.starts_with(PeerEvent::kTag) && name.ends_with(kLookupId);
}

Result<PeerEvent> PeerEvent::parse(std::string_view name, std::string_view payload) {
  const auto names = split<4>("event", name);
  if (!names) {
    return fail(names.error());
  }
  if ((*names)[0] != kTag) {
    return wrong("event", name, "does not begin with 'jl'");
  }
  const auto words = split<4>("payload", payload);
  if (!words) {
    return fail(words.error());
  }
  if ((*words)[0] != "join" && (*words)[0] != "leave") {
    return wrong("action", (*words)[0], "is neither 'join' nor 'leave'");
  }
  const auto vtep = parse_address("VTEP", (*names)[1]);
  const auto network = parse_id("network id", (*names)[2]);
  const auto endpoint = parse_id("endpoint id", (*names)[3]);
  const auto ip = parse_address("address", (*words)[1]);
  const auto mac = parse_mac((*words)[3]);
  const auto address = ip ? parse_mask(*ip, (*words)[2]) : Result<IpPrefix>(fail(ip.error()));
  if (const Error* error = first_error(vtep, network, endpoint, address, mac)) {
    return fail(*error);
  }
  return PeerEvent{(*words)[0] == "join", *vtep, *network, *endpoint, *address, *mac};
}

std::string PeerLookup::payload() const {
  return network.to_string() + " " + address.to_string();
}

Result<PeerLookup> PeerLookup::parse(std::string_view payload) {
  const auto words = split<2>("question", payload);
  if (!words) {
    return fail(words.error());
  }
  const auto network = parse_id("network id", (*words)[0]);
  if (!network) {
    return fail(network.error());
  }
  const auto address = parse_address("address", (*words)[1]);
  if (!address) {
    return fail(address.error());
  }
  return PeerLookup{*network, *address};
}

std::string PeerAnswer::payload() const {
  return mac.to_string() + " " + mask_text(address) + " " + vtep.to_string();
}

Result<PeerAnswer> PeerAnswer::parse(const IpAddress& asked, std::string_view payload) {
  const auto words = split<3>("answer", payload);
  if (!words) {
    return fail(words.error());
  }
  const auto mac = parse_mac((*words)[0]);
  if (!mac) {
    return fail(mac.error());
  }
  const auto address = parse_mask(asked, (*words)[1]);
  if (!address) {
    return fail(address.error());
  }
  const auto vtep = parse_address("VTEP", (*words)[2]);
  if (!vtep) {
    return fail(vtep.error());
  }
  return PeerAnswer{*mac, *address, *vtep};
}

}  // namespace vtepd
