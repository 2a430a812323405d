// SPDX-License-Identifier: GPL-2.0-only
#include "registry/json_text.h"
#include "registry/network_codec.h"

#include <nlohmann/json.hpp>

namespace vtepd::registry {

namespace {

// The least MTU of IPv4 and what VXLAN adds to it; Docker itself takes any number.
constexpr std::uint32_t kLeastMtu = 68 + kOverhead4;
constexpr std::uint32_t kLargestMtu = 65535;

Failure wrong(std::string_view where, const std::string& why) {
  return fail(ErrorKind::Invalid, std::string(where) + ": " + why);
}

// AuxAddresses: {"router":"10.0.0.5/24"}.
Result<std::vector<IpPrefix>> read_auxiliary(Members& data, const std::string& where) {
  std::vector<IpPrefix> addresses;
  const auto* object = data.object("AuxAddresses", false);
  if (object == nullptr) {
    return addresses;
  }
  for (const auto& [name, item] : object->items()) {
    const auto address = IpPrefix::parse(item.is_string() ? item.get<std::string>() : "");
    if (!address) {
      return fail(address.error().context(where + " field 'AuxAddresses." + name + "'"));
    }
    addresses.push_back(*address);
  }
  return addresses;
}

// Whether the driver was told the VNIs.
bool has_given_vnis(const Json& network) {
  const auto generic = network.find("generic");
  if (generic == network.end() || !generic->is_object()) {
    return false;
  }
  const auto options = generic->find("com.docker.network.generic");
  return options != generic->end() && options->is_object() &&
         options->contains("com.docker.network.driver.overlay.vxlanid_list");
}

Result<PoolRecord> read_pool(const Json& item, const std::string& where) {
  Members info(item, where);
  PoolRecord pool;
  pool.pool_id = info.text("PoolID", true);
  const auto text = info.text("IPAMData", true);
  if (info.error()) {
    return fail(*info.error());
  }
  const auto json = parse_json(text);
  if (!json) {
    return wrong(where, "field 'IPAMData' is not a string that holds JSON");
  }
  Members data(*json, where + " 'IPAMData'");
  const auto prefix = data.text("Pool", true);
  const auto gateway = data.text("Gateway", false);
  if (data.error()) {
    return fail(*data.error());
  }
  const auto parsed = IpPrefix::parse(prefix);
  if (!parsed) {
    return fail(parsed.error().context(where + " field 'Pool'"));
  }
  pool.pool = parsed->network();
  if (!gateway.empty()) {
    const auto address = IpPrefix::parse(gateway);
    if (!address) {
      return fail(address.error().context(where + " field 'Gateway'"));
    }
    pool.gateway = *address;
  }
  auto auxiliary = read_auxiliary(data, where);
  if (!auxiliary || data.error()) {
    return fail(data.error() ? *data.error() : auxiliary.error());
  }
  pool.auxiliary = std::move(*auxiliary);
  return pool;
}

// The field is a string that holds the JSON of an array.
Result<std::vector<PoolRecord>> read_pools(Members& network, std::string_view key,
                                           const char* name) {
  std::vector<PoolRecord> pools;
  const auto text = network.text(name, false);
  if (text.empty()) {
    return pools;
  }
  const auto where = std::string(key) + ": field '" + name + "'";
  const auto json = parse_json(text);
  if (!json || !(json->is_array() || json->is_null())) {
    return wrong(where, "not a string that holds a JSON array");
  }
  for (const auto& item : *json) {
    auto pool = read_pool(item, where);
    if (!pool) {
      return fail(pool.error());
    }
    pools.push_back(std::move(*pool));
  }
  return pools;
}

Result<Subnet> read_subnet(const Json& item, const std::string& where) {
  Members members(item, where);
  const auto pool = members.text("SubnetIP", true);
  const auto gateway = members.text("GwIP", true);
  const auto vni = members.number("Vni", true, Vni::kMax);
  if (members.error()) {
    return fail(*members.error());
  }
  const auto prefix = IpPrefix::parse(pool);
  if (!prefix || !prefix->is_v4()) {
    return wrong(where, "field 'SubnetIP': '" + pool + "' is not an IPv4 network");
  }
  const auto address = IpPrefix::parse(gateway);
  if (!address || !address->is_v4()) {
    return wrong(where, "field 'GwIP': '" + gateway + "' is not an IPv4 address with a length");
  }
  return Subnet{prefix->network(), *address, Vni{static_cast<std::uint32_t>(vni)}};
}

}  // namespace

Result<NetworkRecord> decode_network(std::string_view key, std::string_view id,
                                     std::string_view value) {
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  NetworkRecord network;
  network.id = members.text("id", true);
  network.name = members.text("name", true);
  network.type = members.text("networkType", true);
  network.scope = members.text("scope", false, "global");
  network.address_space = members.text("addrSpace", false, kDefaultAddressSpace);
  network.in_delete = members.flag("inDelete", false);
  static_cast<void>(members.flag("enableIPv6", true));  // dockerd dies of a value without it
  if (!members.error() && network.id != id) {
    members.refuse("id", "is '" + network.id + "', not the one of the key");
  }
  if (members.error()) {
    return fail(*members.error());
  }
  if (!network.is_overlay()) {
    return network;
  }
  auto v4 = read_pools(members, key, "ipamV4Info");
  auto v6 = read_pools(members, key, "ipamV6Info");
  for (const auto* pools : {&v4, &v6}) {
    if (!*pools) {
      return fail(pools->error());
    }
  }
  if (members.error()) {
    return fail(*members.error());
  }
  network.v4 = std::move(*v4);
  network.v6 = std::move(*v6);
  network.vnis_given = has_given_vnis(*json);
  return network;
}

Result<OverlayRecord> decode_overlay(std::string_view key, std::string_view value) {
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  OverlayRecord overlay;
  const Json* subnets = &*json;  // old daemons write the bare array
  if (!json->is_array()) {
    Members members(*json, std::string(key));
    overlay.mtu = static_cast<std::uint32_t>(members.number("mtu", false, kLargestMtu));
    overlay.secure = members.flag("secure", false);
    subnets = members.array("subnets");
    if (overlay.mtu != 0 && overlay.mtu < kLeastMtu) {
      members.refuse(
          "mtu", "is " + std::to_string(overlay.mtu) + ", less than " + std::to_string(kLeastMtu));
    }
    if (members.error()) {
      return fail(*members.error());
    }
  }
  if (subnets == nullptr || subnets->empty()) {
    return wrong(key, "field 'subnets' names no subnet");
  }
  for (const auto& item : *subnets) {
    auto subnet = read_subnet(item, std::string(key) + ": 'subnets'");
    if (!subnet) {
      return fail(subnet.error());
    }
    overlay.subnets.push_back(*subnet);
  }
  return overlay;
}

}  // namespace vtepd::registry
