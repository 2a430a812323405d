// SPDX-License-Identifier: GPL-2.0-only
#include "config/gossip_section.h"

#include "config/checks.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd {

namespace {

constexpr std::size_t kMaxHost = 255;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  const bool well = parsed.ec == std::errc() && parsed.ptr == end && port != 0;
  return well ? std::optional(port) : std::nullopt;
}

// "192.0.2.1:7373" or "[2001:db8::1]:7373".
Complaint read_rpc(const std::string& value, Config::Gossip& gossip) {
  const auto colon = value.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : parse_port(std::string_view(value).substr(colon + 1));
  auto host = value.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  const auto address = IpAddress::parse(host);
  if (!port || !address || address->is_v4() == bracketed) {
    return "it must be an address and a port, such as '127.0.0.1:7373'";
  }
  gossip.rpc_address = *address;
  gossip.rpc_port = *port;
  return std::nullopt;
}

Complaint read_bind(const std::string& value, Config::Gossip& gossip) {
  const auto address = IpAddress::parse(value);
  if (!address) {
    return "that is not an IP address";
  }
  // Others are told this address, so it cannot be a wildcard.
  if (address->is_unspecified() || address->is_multicast()) {
    return "it must be a unicast address of this host";
  }
  gossip.bind = *address;
  return std::nullopt;
}

Complaint check_node(const std::string& value) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != '/'; };
  const bool well =
      !value.empty() && value.size() <= kMaxHost && std::all_of(value.begin(), value.end(), plain);
  return well ? std::nullopt : Complaint("it must be a host, or a host and a port");
}

Complaint check_program(const std::string& value) {
  const bool well = !value.empty() && value.find('\0') == std::string::npos;
  return well ? std::nullopt : Complaint("it must be the name or the path of a program");
}

}  // namespace

void read_gossip(const Value& document, Config::Gossip& gossip, Problems& problems) {
  Section section(document, "gossip", problems);
  section.choice("kind", gossip.kind, {"none", "serf"});
  std::string text;
  section.string("rpc", text, [&](const std::string& value) { return read_rpc(value, gossip); });
  read_path(section, "rpc_auth_file", gossip.rpc_auth_file);
  section.string("program", gossip.program, check_program);
  section.string("bind", text, [&](const std::string& value) { return read_bind(value, gossip); });
  section.integer("port", gossip.port, 1, 65535);
  read_path(section, "encrypt_key_file", gossip.encrypt_key_file);
  section.strings("join", gossip.join, check_node);
  section.finish();
  for (const char* key : {"program", "bind", "port", "encrypt_key_file"}) {
    if (section.has("rpc") && section.has(key)) {
      section.complain(key,
                       std::string("gossip.") + key +
                           " is for an agent that vtepd starts; gossip.rpc names one that runs");
    }
  }
  if (section.has("rpc_auth_file") && !section.has("rpc")) {
    section.complain("rpc_auth_file", "gossip.rpc_auth_file needs gossip.rpc");
  }
}

}  // namespace vtepd
