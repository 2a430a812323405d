// SPDX-License-Identifier: GPL-2.0-only
#include "registry/own_codec.h"

#include "registry/json_text.h"

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
  return to_text(Json{{"host", node.host},
                      {"instance", node.instance},
                      {"schema", kSchema},
                      {"vtep", node.vtep.to_string()}});
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
