// SPDX-License-Identifier: GPL-2.0-only
#include "registry/network_codec.h"

#include "registry/json_text.h"

#include <nlohmann/json.hpp>

namespace vtepd::registry {

namespace {

Json pool_config(const PoolRecord& pool) {
  return Json{{"PreferredPool", pool.pool.to_string()},
              {"SubPool", ""},
              {"Gateway", ""},
              {"AuxAddresses", nullptr}};
}

Json pool_info(const PoolRecord& pool, const std::string& address_space) {
  const Json data{{"AddressSpace", address_space},
                  {"Gateway", pool.gateway ? pool.gateway->to_string() : ""},
                  {"Pool", pool.pool.to_string()}};
  return Json{{"IPAMData", to_text(data)}, {"PoolID", pool.pool_id}};
}

Json array_of(Json item) {
  auto array = Json::array();
  array.push_back(std::move(item));
  return array;
}

Json generic_of(const NetworkDocument& network) {
  auto options = Json::object();
  if (network.underlay_mtu != 0) {
    options["com.docker.network.driver.mtu"] = std::to_string(network.underlay_mtu);
  }
  if (network.vni.value != 0) {
    options["com.docker.network.driver.overlay.vxlanid_list"] = std::to_string(network.vni.value);
  }
  return Json{{"com.docker.network.enable_ipv6", network.v6.has_value()},
              {"com.docker.network.generic", std::move(options)}};
}

}  // namespace

std::string encode_network(const NetworkDocument& network) {
  Json json;
  json["addrSpace"] = network.address_space;
  json["attachable"] = false;
  json["configFrom"] = "";
  json["configOnly"] = false;
  json["created"] = network.created;
  json["enableIPv6"] = network.v6.has_value();
  json["generic"] = generic_of(network);
  json["id"] = network.id;
  json["inDelete"] = false;
  json["ingress"] = false;
  json["internal"] = false;
  json["ipamOptions"] = Json::object();
  json["ipamType"] = "default";
  json["ipamV4Config"] = to_text(array_of(pool_config(network.v4)));
  json["ipamV4Info"] = to_text(array_of(pool_info(network.v4, network.address_space)));
  if (network.v6) {
    json["ipamV6Config"] = to_text(array_of(pool_config(*network.v6)));
    json["ipamV6Info"] = to_text(array_of(pool_info(*network.v6, network.address_space)));
  }
  json["labels"] = Json::object();
  json["loadBalancerIP"] = "";
  json["loadBalancerMode"] = "NAT";
  json["name"] = network.name;
  json["networkType"] = "overlay";
  json["persist"] = true;
  json["postIPv6"] = false;
  json["scope"] = "global";
  return to_text(json);
}

std::string encode_overlay(const OverlayRecord& overlay) {
  auto subnets = Json::array();
  for (const auto& subnet : overlay.subnets) {
    subnets.push_back(Json{{"SubnetIP", subnet.pool.to_string()},
                           {"GwIP", subnet.gateway.to_string()},
                           {"Vni", subnet.vni.value}});
  }
  return to_text(
      Json{{"mtu", overlay.mtu}, {"secure", overlay.secure}, {"subnets", std::move(subnets)}});
}

Result<std::string> with_in_delete(std::string_view key, std::string_view value, bool in_delete) {
  auto json = parse_json(value);
  if (!json || !json->is_object()) {
    return fail(ErrorKind::Invalid, std::string(key) + ": not a JSON object");
  }
  (*json)["inDelete"] = in_delete;
  return to_text(*json);
}

Network join_network(const NetworkRecord& network, const OverlayRecord& overlay) {
  Network joined;
  joined.id = network.id;
  joined.name = network.name;
  joined.address_space = network.address_space;
  joined.subnets = overlay.subnets;
  if (!network.v6.empty()) {
    joined.v6_pool = network.v6.front().pool;
  }
  joined.underlay_mtu = overlay.mtu;
  joined.secure = overlay.secure;
  return joined;
}

}  // namespace vtepd::registry
