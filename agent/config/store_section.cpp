// SPDX-License-Identifier: GPL-2.0-only
#include "config/store_section.h"

#include "config/checks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace vtepd {

namespace {

constexpr std::int64_t kLeastBodyLimit = 1 << 20;
constexpr std::int64_t kMostBodyLimit = std::int64_t{4} << 30;  // the JSON reader's own limit

Complaint check_prefix(const std::string& value) {
  const auto has = [&](const char* text) { return value.find(text) != std::string::npos; };
  if (!value.empty() && (value.front() == '/' || value.back() == '/' || has("//"))) {
    return "it must not begin or end with '/' nor contain '//'";
  }
  const auto plain = [](char c) { return c > ' ' && c != 0x7f; };
  if (!std::all_of(value.begin(), value.end(), plain)) {
    return "it must be of printable ASCII characters without spaces";
  }
  return std::nullopt;
}

// "host:port" with a host that needs no further reading here: a name or an IPv4 address, or an IPv6
// address in brackets.
bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return false;
  }
  const auto port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535) {
    return false;
  }
  auto host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) {
    host = host.substr(1, host.size() - 2);
  }
  return std::all_of(host.begin(), host.end(), [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || c == '.' || c == '-' || (brackets && c == ':');
  });
}

Complaint check_address(const std::string& value) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (value.starts_with(scheme) &&
        is_host_and_port(std::string_view(value).substr(scheme.size()))) {
      return std::nullopt;
    }
  }
  return "it must be http://HOST:PORT or https://HOST:PORT";
}

void check_consul(Section& section, const Config::Store& store) {
  if (!section.has("addresses")) {
    section.complain("[store] needs 'addresses' for kind 'consul': [\"http://HOST:PORT\"]");
  }
  if (store.cert_file.empty() != store.key_file.empty()) {
    section.complain(store.cert_file.empty() ? "key_file" : "cert_file",
                     "store.cert_file and store.key_file belong together");
  }
  const bool tls = std::any_of(store.addresses.begin(), store.addresses.end(),
                               [](const auto& text) { return text.starts_with("https"); });
  for (const char* key : {"ca_file", "cert_file", "key_file"}) {
    if (section.has(key) && !tls) {
      section.complain(key,
                       std::string("store.") + key + " is for https addresses, and there is none");
    }
  }
}

void reject_others(Section& section, const Config::Store& store) {
  constexpr std::array kConsul = {"addresses", "token_file",  "ca_file",   "cert_file",
                                  "key_file",  "consistency", "body_limit"};
  const bool consul = store.kind == "consul";
  for (const char* key : kConsul) {
    if (!consul && section.has(key)) {
      section.complain(key, std::string("store.") + key + " is for kind 'consul'");
    }
  }
  if (consul && section.has("path")) {
    section.complain("path", "store.path is for kind 'file'");
  }
}

}  // namespace

void read_store(const Value& document, Config::Store& store, Problems& problems) {
  Section section(document, "store", problems);
  section.choice("kind", store.kind, {"file", "consul"});
  section.string("prefix", store.prefix, check_prefix);
  read_path(section, "path", store.path);
  section.strings("addresses", store.addresses, check_address);
  read_path(section, "token_file", store.token_file);
  read_path(section, "ca_file", store.ca_file);
  read_path(section, "cert_file", store.cert_file);
  read_path(section, "key_file", store.key_file);
  section.choice("consistency", store.consistency, {"default", "consistent", "stale"});
  section.integer("body_limit", store.body_limit, kLeastBodyLimit, kMostBodyLimit);
  section.finish();
  reject_others(section, store);
  if (store.kind == "consul") {
    check_consul(section, store);
  }
}

}  // namespace vtepd
