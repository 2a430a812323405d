// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"
#include "registry/json_text.h"

#include <limits>
#include <type_traits>

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

Json json_of(const HoldIndices& indices) {
  auto json = Json::object();
  const auto write = [&](const char* name, const std::optional<std::uint64_t>& index) {
    if (index) {
      json[name] = *index;
    }
  };
  write("address4", indices.address4);
  write("address6", indices.address6);
  write("count", indices.count);
  return json;
}

Result<Json> parse_object(std::string_view key, std::string_view value) {
  auto json = parse_json(value);
  if (!json || !json->is_object()) {
    return fail(ErrorKind::Invalid, std::string(key) + ": not a JSON object");
  }
  return json;
}

void erase_taking(Json& endpoint) {
  if (const auto own = endpoint.find("vtepd"); own != endpoint.end() && own->is_object()) {
    own->erase("taking");
  }
}

// The member of that name of vtepd's own part. Without one: `Held{}`, and `found` is false.
template <typename Held>
Result<Held> read_indices(std::string_view key, std::string_view value, const char* name,
                          bool& found) {
  found = false;
  const auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  Members members(*json, std::string(key));
  const auto* own = members.object("vtepd", false);
  if (own == nullptr) {
    return members.error() ? Result<Held>(fail(*members.error())) : Held{};
  }
  Members ours(*own, std::string(key) + ": 'vtepd'");
  const auto* object = ours.object(name, false);
  if (object == nullptr) {
    return ours.error() ? Result<Held>(fail(*ours.error())) : Held{};
  }
  found = true;
  Members fields(*object, std::string(key) + ": 'vtepd." + name + "'");
  const auto read = [&](const char* field) {
    const auto index = fields.number(field, false, kLargest);
    return object->contains(field) ? std::optional(index) : std::nullopt;
  };
  Held held;
  held.address4 = read("address4");
  held.address6 = read("address6");
  held.count = read("count");
  if constexpr (std::is_same_v<Held, Leaving>) {
    held.run = fields.number("run", false, kLargest);
  }
  return fields.error() ? Result<Held>(fail(*fields.error())) : held;
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
    if (document.taking != Taking{}) {
      json["vtepd"]["taking"] = json_of(document.taking);
    }
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
  erase_taking(*json);
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

Result<Taking> endpoint_taking(std::string_view key, std::string_view value) {
  bool found = false;
  return read_indices<Taking>(key, value, "taking", found);
}

Result<std::string> without_taking(std::string_view key, std::string_view value) {
  auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  erase_taking(*json);
  return to_text(*json);
}

Result<std::optional<Leaving>> endpoint_leaving(std::string_view key, std::string_view value) {
  bool found = false;
  const auto leaving = read_indices<Leaving>(key, value, "leaving", found);
  if (!leaving) {
    return fail(leaving.error());
  }
  return found ? std::optional(*leaving) : std::nullopt;
}

Result<std::string> with_leaving(std::string_view key, std::string_view value,
                                 const Leaving& leaving) {
  auto json = parse_object(key, value);
  if (!json) {
    return fail(json.error());
  }
  auto steps = json_of(leaving);
  steps["run"] = leaving.run;
  (*json)["sandbox"] = "";
  erase_taking(*json);
  (*json)["vtepd"]["leaving"] = std::move(steps);
  return to_text(*json);
}

}  // namespace vtepd::registry
