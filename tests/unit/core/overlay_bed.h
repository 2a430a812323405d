// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/overlay.h"

#include <cstdio>
#include <string>

// Networks and endpoints by small numbers: network n has VNI 100 + n and pool 192.0.2.0/24;
// endpoint e of it has address 192.0.2.e.
namespace vtepd::overlay_bed {

inline const IpAddress kOwnVtep = IpAddress::v4(0xc6336401);
inline const IpAddress kVtepB = IpAddress::v4(0xc6336402);
inline const IpAddress kVtepC = IpAddress::v4(0xc6336403);

inline Vni vni(unsigned n) {
  return Vni{100 + n};
}

inline IpAddress address(unsigned e) {
  return IpAddress::v4(0xc0000200 + e);
}

inline MacAddress mac(unsigned n, unsigned e) {
  return {{2, 0, 0, static_cast<std::uint8_t>(n), 0, static_cast<std::uint8_t>(e)}};
}

inline std::string hex_id(unsigned n, unsigned e) {
  std::string text(64, '0');
  std::snprintf(text.data() + 48, 17, "%08x%08x", n, e);
  return text;
}

inline std::string id(unsigned n, unsigned e) {
  return hex_id(n, e);
}

inline Network network(unsigned n) {
  return {.id = hex_id(n, 0),
          .name = "net" + std::to_string(n),
          .subnets = {{*IpPrefix::parse("192.0.2.0/24"), *IpPrefix::parse("192.0.2.1/24"), vni(n)}},
          .v6_pool = {}};
}

inline Endpoint remote(unsigned n, unsigned e, const IpAddress& vtep) {
  return {.id = id(n, e),
          .network_id = hex_id(n, 0),
          .name = "ep" + std::to_string(e),
          .mac = mac(n, e),
          .address4 = IpPrefix{address(e), 24},
          .address6 = {},
          .vtep = vtep,
          .sandbox = "sandbox",
          .owner = ""};
}

inline LocalEndpoint local(unsigned n, unsigned e, unsigned ifindex) {
  return {.endpoint = remote(n, e, kOwnVtep),
          .network = network(n),
          .netns_path = "/run/netns/c" + std::to_string(e),
          .host = {ifindex},
          .endpoint_ifindex = {ifindex + 1000}};
}

// A data path that takes everything.
struct Model {
  ForwardingState state;

  void apply(const ForwardingDelta& delta) {
    const auto change = [](auto& table, const auto& puts, const auto& removes) {
      for (const auto& [key, value] : puts) {
        table.insert_or_assign(key, value);
      }
      for (const auto& key : removes) {
        table.erase(key);
      }
    };
    change(state.fdb, delta.fdb_put, delta.fdb_remove);
    change(state.neighbours, delta.neighbours_put, delta.neighbours_remove);
    change(state.peers, delta.peers_put, delta.peers_remove);
    change(state.ports, delta.ports_put, delta.ports_remove);
    change(state.vnis, delta.vnis_put, delta.vnis_remove);
    state.members.insert(delta.members_put.begin(), delta.members_put.end());
    for (const auto& member : delta.members_remove) {
      state.members.erase(member);
    }
  }
};

}  // namespace vtepd::overlay_bed
