// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/model.h"
#include "core/types.h"

#include <cstdint>
#include <set>
#include <string>

namespace vtepd {

// An endpoint of this host: what the store holds of it, and what only this host knows. Kept in
// state/endpoints.json, so that a restart needs neither the store nor old maps.
struct LocalEndpoint {
  Endpoint endpoint;
  Network network;                 // as it was at the attach
  std::string netns_path;          // as given to attach
  std::uint64_t netns_cookie = 0;  // with boot_id: the namespace itself
  std::string boot_id;
  std::string ifname;       // in the endpoint's namespace
  std::string host_ifname;  // in ours
  IfIndex host;
  IfIndex endpoint_ifindex;
  std::set<IpPrefix> allowed_addresses;
  std::set<MacAddress> allowed_macs;
  bool source_check = true;
  bool same_netns = false;
  bool operator==(const LocalEndpoint&) const = default;
};

// Name of the host end of an endpoint's interface.
[[nodiscard]] inline std::string host_ifname_of(const std::string& endpoint_id) {
  constexpr std::size_t kDigits = 8;
  return "vtep" + endpoint_id.substr(0, kDigits);
}

}  // namespace vtepd
