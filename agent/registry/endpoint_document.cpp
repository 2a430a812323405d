// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"
#include "registry/json_text.h"

#include <limits>

#include <nlohmann/json.hpp>

namespace vtepd::registry {

namespace {

constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();

Json join_info() {
  return Json{{"StaticRoutes", nullptr}, {"disableGatewayService", false}};
}

Json interface_of(const EndpointDocument& document) {
  const auto& endpoint = document.endpoint;
  Json json;
  if (endpoint.address4) {
    json["addr"] = endpoint.address4->to_string();
  }
  if (endpoint.address6) {
    json["addrv6"] = endpoint.address6->to_string();
  }
  json["dstPrefix"] = document.interface_prefix;
  json["mac"] = endpoint.mac.to_string();
  json["routes"] = nullptr;
  json["srcName"] = document.host_ifname;
  json["v4PoolID"] = document.pool4;
  json["v6PoolID"] = document.pool6;
  return json;
}

Result<Json> parse_object(std::string_view key, std::string_view value) {
  auto json = parse_json(value);
  if (!json || !json->is_object()) {
    return fail(ErrorKind::Invalid, std::string(key) + ": not a JSON object");
  }
  return json;
}

}  // namespace

std::string encode_endpoint(const EndpointDocument& document) {
  const auto& endpoint = document.endpoint;
  Json json;
  json["anonymous"] = document.anonymous;
  json["disableResolution"] = false;
  json["ep_iface"] = interface_of(document);
  json["exposed_ports"] = Json::array();
  json["generic"] = Json{{"com.docker.network.endpoint.exposedports", Json::array()},
                         {"com.docker.network.portmap", Json::array()}};
  json["id"] = endpoint.id;
  json["ingressPorts"] = nullptr;
  json["joinInfo"] = document.joined ? join_info() : Json(nullptr);
  json["loadBalancer"] = false;
  json["locator"] = endpoint.vtep.to_string();
  json["myAliases"] = document.aliases;
  json["name"] = endpoint.name;
  json["sandbox"] = endpoint.sandbox;
  json["svcAliases"] = nullptr;
  json["svcID"] = "";
  json["svcName"] = "";
  json["virtualIP"] = "<nil>";  // how Go prints an address that is not there
  if (!endpoint.owner.empty()) {
    json["vtepd"] = Json::object({{"owner", endpoint.owner}});
  }
  return to_text(json);
}

Result<std::string> with_sandbox(std::string_view key, std::string_view value,
                                 const std::string& sandbox, const std::string& host_ifname) {
  auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  const auto face = json->find("ep_iface");
  if (face == json->end() || !face->is_object()) {
    return fail(ErrorKind::Invalid, std::string(key) + ": field 'ep_iface' is not an object");
  }
  (*face)["srcName"] = host_ifname;
  (*json)["joinInfo"] = join_info();
  (*json)["sandbox"] = sandbox;
  return to_text(*json);
}

Result<EndpointPools> endpoint_pools(std::string_view key, std::string_view value) {
  const auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  Members members(*json, std::string(key));
  const auto* face = members.object("ep_iface", false);
  if (face == nullptr) {
    return EndpointPools{};
  }
  Members inner(*face, std::string(key) + ": 'ep_iface'");
  EndpointPools pools{inner.text("v4PoolID", true), inner.text("v6PoolID", true)};
  if (inner.error()) {
    return fail(*inner.error());
  }
  return pools;
}

Result<std::optional<Leaving>> endpoint_leaving(std::string_view key, std::string_view value) {
  const auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  Members members(*json, std::string(key));
  const auto* own = members.object("vtepd", false);
  if (own == nullptr) {
    return std::optional<Leaving>();
  }
  Members ours(*own, std::string(key) + ": 'vtepd'");
  const auto* object = ours.object("leaving", false);
  if (object == nullptr) {
    return std::optional<Leaving>();
  }
  Members fields(*object, std::string(key) + ": 'vtepd.leaving'");
  const auto read = [&](const char* name) {
    const auto index = fields.number(name, false, kLargest);
    return object->contains(name) ? std::optional(index) : std::nullopt;
  };
  Leaving leaving{read("address4"), read("address6"), read("count"),
                  fields.number("run", false, kLargest)};
  if (fields.error()) {
    return fail(*fields.error());
  }
  return std::optional(leaving);
}

Result<std::string> with_leaving(std::string_view key, std::string_view value,
                                 const Leaving& leaving) {
  auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  auto steps = Json::object();
  const auto write = [&](const char* name, const std::optional<std::uint64_t>& index) {
    if (index) {
      steps[name] = *index;
    }
  };
  write("address4", leaving.address4);
  write("address6", leaving.address6);
  write("count", leaving.count);
  steps["run"] = leaving.run;
  (*json)["sandbox"] = "";
  (*json)["vtepd"]["leaving"] = std::move(steps);
  return to_text(*json);
}

}  // namespace vtepd::registry
