// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace vtepd::registry {

// The keys of Docker's schema and of vtepd's own. Docker's end in '/'.
class Keys {
 public:
  explicit Keys(const std::string& prefix);

  // Everything of Docker's, and everything of vtepd's own.
  [[nodiscard]] const std::string& docker_root() const { return docker_; }

  [[nodiscard]] const std::string& own_root() const { return own_; }

  [[nodiscard]] std::string networks() const { return docker_ + "network/"; }

  [[nodiscard]] std::string network(std::string_view nid) const { return at("network/", nid); }

  [[nodiscard]] std::string overlays() const { return docker_ + "overlay/network/"; }

  [[nodiscard]] std::string overlay(std::string_view nid) const {
    return at("overlay/network/", nid);
  }

  [[nodiscard]] std::string endpoint_count(std::string_view nid) const {
    return at("endpoint_count/", nid);
  }

  [[nodiscard]] std::string endpoints(std::string_view nid) const { return at("endpoint/", nid); }

  [[nodiscard]] std::string endpoint(std::string_view nid, std::string_view eid) const {
    return endpoints(nid) + std::string(eid) + "/";
  }

  [[nodiscard]] std::string vnis() const { return docker_ + "idm/vxlan-id/"; }

  [[nodiscard]] std::string pools(std::string_view address_space) const {
    return at("ipam/default/config/", address_space);
  }

  // For a pool that is a part of another (space/net/len/net/len), Docker keeps the whole one's
  // bits.
  [[nodiscard]] std::string addresses(std::string_view pool_id) const;

  [[nodiscard]] std::string marker() const { return own_ + "marker"; }

  [[nodiscard]] std::string nodes() const { return own_ + "nodes/"; }

  [[nodiscard]] std::string node(const IpAddress& vtep) const { return nodes() + vtep.to_string(); }

  // Hosts that run Docker, and others that serve as seeds of their gossip: <address>:<port>.
  [[nodiscard]] std::string docker_nodes() const { return docker_nodes_; }

  [[nodiscard]] std::string docker_node(const IpAddress& address, std::uint16_t port) const;

  // Floating addresses of a network, one key each.
  [[nodiscard]] std::string floatings(std::string_view nid) const {
    return own_ + "addresses/" + std::string(nid) + "/";
  }

  [[nodiscard]] std::string floating(std::string_view nid, const IpAddress& address) const {
    return floatings(nid) + address.to_string();
  }

  [[nodiscard]] std::string acks(std::string_view nid, std::string_view eid) const {
    return own_ + "ack/" + std::string(nid) + "/" + std::string(eid) + "/";
  }

  [[nodiscard]] std::string ack_request(std::string_view nid, std::string_view eid) const {
    return acks(nid, eid) + "request";
  }

  struct Parsed {
    enum class Kind {
      Other,
      Network,
      Overlay,
      Endpoint,
      Floating,
      Node,
      DockerNode,
      AckRequest,
      Ack
    };
    Kind kind = Kind::Other;
    std::string_view network_id;
    std::string_view endpoint_id;
    std::string_view address;  // VTEP, floating address or Docker host, as it stands in the key
  };

  // The views point into the key. A key that is not one of those, or lacks a part, is Other.
  [[nodiscard]] Parsed parse(std::string_view key) const;

 private:
  [[nodiscard]] std::string at(std::string_view kind, std::string_view id) const {
    return docker_ + std::string(kind) + std::string(id) + "/";
  }

  std::string docker_;
  std::string docker_nodes_;
  std::string own_;
};

// The host of "192.0.2.1:2376" or "[2001:db8::1]:2376".
Result<IpAddress> parse_docker_node(std::string_view text);

// 64 lower-case hex digits.
[[nodiscard]] bool is_id(std::string_view text);

// "space/10.0.0.0/24", and "space/10.0.0.0/24/10.0.0.128/25" for a part of a pool.
[[nodiscard]] std::string pool_id_of(std::string_view address_space, const IpPrefix& pool);

struct PoolId {
  std::string address_space;
  IpPrefix pool;
  IpPrefix range;  // the pool, or the part of it that is meant
};

Result<PoolId> parse_pool_id(std::string_view text);

}  // namespace vtepd::registry
