// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/model.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd::registry {

// One pool of a network, as the network's IPAM data tells.
struct PoolRecord {
  std::string pool_id;
  IpPrefix pool;
  std::optional<IpPrefix> gateway;
  std::vector<IpPrefix> auxiliary;  // kept for others by whoever made the network
};

// network/<nid>/: what vtepd reads of it. Networks of other drivers have no pools here.
struct NetworkRecord {
  std::string id;
  std::string name;
  std::string type;
  std::string scope;
  std::string address_space;
  bool in_delete = false;
  bool vnis_given = false;  // by whoever made it; dockerd takes no bits for those
  std::vector<PoolRecord> v4;
  std::vector<PoolRecord> v6;

  [[nodiscard]] bool is_overlay() const { return type == "overlay" && scope == "global"; }
};

// overlay/network/<nid>/
struct OverlayRecord {
  std::uint32_t mtu = 0;
  bool secure = false;
  std::vector<Subnet> subnets;
};

// What the network's key says of a new network.
struct NetworkDocument {
  std::string id;
  std::string name;
  std::string created;  // RFC 3339
  std::string address_space;
  PoolRecord v4;
  std::optional<PoolRecord> v6;
  std::uint32_t underlay_mtu = 0;  // 0: not given
  Vni vni;                         // 0: not given
};

// Errors name the key and the field.
Result<NetworkRecord> decode_network(std::string_view key, std::string_view id,
                                     std::string_view value);
Result<OverlayRecord> decode_overlay(std::string_view key, std::string_view value);
std::string encode_network(const NetworkDocument& network);
std::string encode_overlay(const OverlayRecord& overlay);
// The same value with another inDelete.
Result<std::string> with_in_delete(std::string_view key, std::string_view value, bool in_delete);

// Both keys of a network together.
Network join_network(const NetworkRecord& network, const OverlayRecord& overlay);

}  // namespace vtepd::registry
