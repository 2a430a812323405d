// SPDX-License-Identifier: GPL-2.0-only
#include "registry/keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace vtepd::registry {

namespace {

std::optional<std::string_view> after(std::string_view key, std::string_view prefix) {
  return key.starts_with(prefix) ? std::optional(key.substr(prefix.size())) : std::nullopt;
}

// Splits off what stands in front of the next '/'; the rest stands behind it.
std::string_view take(std::string_view& rest) {
  const auto slash = rest.find('/');
  const auto part = rest.substr(0, slash);
  rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  return part;
}

// "<id>/" and nothing behind it.
bool is_single(std::string_view rest) {
  return rest.size() > 1 && rest.find('/') == rest.size() - 1;
}

Keys::Parsed parse_own(std::string_view rest) {
  if (const auto vtep = after(rest, "nodes/"); vtep && !vtep->empty()) {
    return {Keys::Parsed::Kind::Node, {}, {}, *vtep};
  }
  if (auto floating = after(rest, "addresses/")) {
    const auto nid = take(*floating);
    return nid.empty() || floating->empty()
               ? Keys::Parsed{}
               : Keys::Parsed{Keys::Parsed::Kind::Floating, nid, {}, *floating};
  }
  auto ack = after(rest, "ack/");
  if (!ack) {
    return {};
  }
  const auto nid = take(*ack);
  const auto eid = take(*ack);
  if (nid.empty() || eid.empty() || ack->empty()) {
    return {};
  }
  if (*ack == "request") {
    return {Keys::Parsed::Kind::AckRequest, nid, eid, {}};
  }
  return {Keys::Parsed::Kind::Ack, nid, eid, *ack};
}

}  // namespace

Keys::Keys(const std::string& prefix)
    : docker_((prefix.empty() ? "" : prefix + "/") + "docker/network/v1.0/"),
      docker_nodes_((prefix.empty() ? "" : prefix + "/") + "docker/nodes/"),
      own_((prefix.empty() ? "" : prefix + "/") + "vtepd/v1/") {}

std::string Keys::addresses(std::string_view pool_id) const {
  std::size_t end = 0;
  for (int slashes = 0; end < pool_id.size(); ++end) {
    if (pool_id[end] == '/' && ++slashes == 3) {
      break;
    }
  }
  return at("ipam/default/data/", pool_id.substr(0, end));
}

std::string Keys::docker_node(const IpAddress& address, std::uint16_t port) const {
  const auto text = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  return docker_nodes_ + text + ":" + std::to_string(port);
}

Keys::Parsed Keys::parse(std::string_view key) const {
  if (const auto own = after(key, own_)) {
    return parse_own(*own);
  }
  if (const auto node = after(key, docker_nodes_); node && !node->empty()) {
    return {Parsed::Kind::DockerNode, {}, {}, *node};
  }
  const auto docker = after(key, docker_);
  if (!docker) {
    return {};
  }
  if (auto rest = after(*docker, "endpoint/")) {
    const auto nid = take(*rest);
    return !nid.empty() && is_single(*rest)
               ? Parsed{Parsed::Kind::Endpoint, nid, rest->substr(0, rest->size() - 1), {}}
               : Parsed{};
  }
  if (const auto rest = after(*docker, "network/"); rest && is_single(*rest)) {
    return {Parsed::Kind::Network, rest->substr(0, rest->size() - 1), {}, {}};
  }
  if (const auto rest = after(*docker, "overlay/network/"); rest && is_single(*rest)) {
    return {Parsed::Kind::Overlay, rest->substr(0, rest->size() - 1), {}, {}};
  }
  return {};
}

Result<IpAddress> parse_docker_node(std::string_view text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto address = IpAddress::parse(host);
  if (colon == std::string_view::npos || !address) {
    return fail(ErrorKind::Invalid, "'" + std::string(text) + "' is not an address with a port");
  }
  return address;
}

bool is_id(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string pool_id_of(std::string_view address_space, const IpPrefix& pool) {
  return std::string(address_space) + "/" + pool.to_string();
}

Result<PoolId> parse_pool_id(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorKind::Invalid,
                "'" + std::string(text) + "' is not a pool's id (GlobalDefault/10.0.0.0/24)");
  };
  auto rest = text;
  PoolId id;
  id.address_space = take(rest);
  std::array<std::string, 2> nets;
  for (auto& net : nets) {
    if (rest.empty()) {
      break;
    }
    net = take(rest);
    net += '/';
    net += take(rest);
  }
  const auto pool = IpPrefix::parse(nets[0]);
  const auto range = nets[1].empty() ? pool : IpPrefix::parse(nets[1]);
  if (id.address_space.empty() || !rest.empty() || !pool || !range ||
      !pool->contains(range->address)) {
    return bad();
  }
  id.pool = *pool;
  id.range = *range;
  return id;
}

}  // namespace vtepd::registry
