// SPDX-License-Identifier: GPL-2.0-only
#include "registry/own_codec.h"

#include "registry/json_text.h"
#include "registry/keys.h"

#include <limits>

#include <nlohmann/json.hpp>

namespace vtepd::registry {

namespace {

constexpr int kSchema = 1;

}  // namespace

std::string encode_marker() {
  return to_text(Json::object({{"schema", kSchema}}));
}

std::string encode_node(const Node& node) {
  Json json{{"host", node.host},
            {"instance", node.instance},
            {"schema", kSchema},
            {"vtep", node.vtep.to_string()}};
  if (node.gossip_port != 0) {
    json["gossip_port"] = node.gossip_port;
  }
  return to_text(json);
}

Result<Node> decode_node(std::string_view key, std::string_view vtep, std::string_view value) {
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  Node node;
  node.host = members.text("host", true);
  node.instance = members.text("instance", true);
  node.gossip_port = static_cast<std::uint16_t>(
      members.number("gossip_port", false, std::numeric_limits<std::uint16_t>::max()));
  const auto text = members.text("vtep", true);
  const auto address = IpAddress::parse(text);
  if (!members.error() && (!address || text != vtep)) {
    members.refuse("vtep", "is '" + text + "', not the address of the key");
  }
  if (members.error()) {
    return fail(*members.error());
  }
  node.vtep = *address;
  return node;
}

std::string encode_floating(const FloatingRecord& record) {
  const auto& floating = record.floating;
  Json json{{"endpoint", floating.endpoint_id}, {"generation", floating.generation}};
  if (floating.mac) {
    json["mac"] = floating.mac->to_string();
  }
  if (!record.pool_id.empty()) {
    json["pool"] = record.pool_id;
  }
  if (record.taking) {
    json["taking"] = *record.taking;
  }
  if (!record.in_force) {
    json["in_force"] = false;
  }
  if (record.leaving) {
    json["leaving"] = *record.leaving;
  }
  json["schema"] = kSchema;
  return to_text(json);
}

Result<FloatingRecord> decode_floating(std::string_view key, std::string_view network_id,
                                       std::string_view address, std::string_view value) {
  constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  FloatingRecord record;
  auto& floating = record.floating;
  floating.network_id = network_id;
  floating.endpoint_id = members.text("endpoint", true);
  floating.generation = members.number("generation", true, kLargest);
  record.pool_id = members.text("pool", false);
  const auto parsed = IpAddress::parse(address);
  if (!members.error() && (!parsed || parsed->to_string() != address)) {
    return fail(ErrorKind::Invalid, std::string(key) + ": the key does not end in an address");
  }
  if (!members.error() && !is_id(floating.endpoint_id)) {
    members.refuse("endpoint", "is not an id of 64 hex digits");
  }
  if (const auto text = members.text("mac", false); !text.empty()) {
    const auto mac = MacAddress::parse_unicast(text);
    if (!mac) {
      members.refuse("mac", "is wrong: " + mac.error().what);
    } else {
      floating.mac = *mac;
    }
  }
  record.in_force = members.flag("in_force", false, true);
  const auto index = [&](const char* name) {
    return json->is_object() && json->contains(name)
               ? std::optional(members.number(name, true, kLargest))
               : std::nullopt;
  };
  record.taking = index("taking");
  record.leaving = index("leaving");
  if (members.error()) {
    return fail(*members.error());
  }
  floating.address = *parsed;
  return record;
}

std::string encode_revision(const std::string& revision) {
  return to_text(Json::object({{"revision", revision}}));
}

Result<std::string> decode_revision(std::string_view key, std::string_view value) {
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  auto revision = members.text("revision", true);
  if (members.error()) {
    return fail(*members.error());
  }
  return revision;
}

std::string encode_count(std::uint64_t count) {
  return to_text(Json::object({{"Count", count}}));
}

Result<std::uint64_t> decode_count(std::string_view key, std::string_view value) {
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  const auto count = members.number("Count", true, std::numeric_limits<std::uint64_t>::max());
  if (members.error()) {
    return fail(*members.error());
  }
  return count;
}

}  // namespace vtepd::registry
