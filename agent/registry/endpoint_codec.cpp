// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"

#include <cstddef>

#include <simdjson.h>

namespace vtepd::registry {

namespace {

namespace dom = simdjson::dom;

// Collects the first mistake, like Members, over simdjson's tree.
class Reader {
 public:
  Reader(dom::object object, std::string_view key, std::string_view inside)
      : object_(object), key_(key), inside_(inside) {}

  std::string_view text(const char* name, bool required) {
    dom::element member;
    if (!find(name, required, member)) {
      return {};
    }
    std::string_view value;
    if (member.get(value) != simdjson::SUCCESS) {
      refuse(name, "is not a string");
    }
    return value;
  }

  void flag(const char* name, bool required) {
    dom::element member;
    if (find(name, required, member) && !member.is_bool()) {
      refuse(name, "is neither true nor false");
    }
  }

  // False if absent or null.
  bool object(const char* name, dom::object& value) {
    dom::element member;
    if (!find(name, false, member) || member.is_null()) {
      return false;
    }
    if (member.get(value) != simdjson::SUCCESS) {
      refuse(name, "is not an object");
      return false;
    }
    return true;
  }

  void array_or_null(const char* name) {
    dom::element member;
    if (find(name, false, member) && !member.is_null() && !member.is_array()) {
      refuse(name, "is not an array");
    }
  }

  void refuse(const char* name, const std::string& why) {
    if (!error_) {
      error_ = Error{ErrorKind::Invalid,
                     std::string(key_) + ": field '" + std::string(inside_) + name + "' " + why};
    }
  }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  bool find(const char* name, bool required, dom::element& member) {
    if (error_) {
      return false;
    }
    bool found = false;
    for (const auto field : object_) {
      if (field.key == name) {  // the last one counts, as in Go's encoding/json
        member = field.value;
        found = true;
      }
    }
    if (!found && required) {
      refuse(name, "is missing");
    }
    return found;
  }

  dom::object object_;
  std::string_view key_;
  std::string_view inside_;
  std::optional<Error> error_;
};

std::optional<IpPrefix> read_address(Reader& reader, const char* name, bool v4) {
  const auto text = reader.text(name, false);
  if (text.empty()) {
    return std::nullopt;
  }
  const auto prefix = IpPrefix::parse(text);
  if (!prefix || prefix->is_v4() != v4) {
    reader.refuse(name, "is not an " + std::string(v4 ? "IPv4" : "IPv6") +
                            " address with a length: '" + std::string(text) + "'");
    return std::nullopt;
  }
  return *prefix;
}

void read_interface(Reader& reader, Endpoint& endpoint) {
  endpoint.address4 = read_address(reader, "addr", true);
  endpoint.address6 = read_address(reader, "addrv6", false);
  for (const char* name : {"dstPrefix", "srcName", "v4PoolID", "v6PoolID"}) {
    static_cast<void>(reader.text(name, true));
  }
  if (const auto text = reader.text("mac", false); !text.empty()) {
    const auto mac = MacAddress::parse_unicast(text);
    if (mac) {
      endpoint.mac = *mac;
    } else {
      reader.refuse("mac", "is wrong: " + mac.error().what);
    }
  }
}

// "sandbox" and the rest of the outer object; vtepd's own member is only in our endpoints.
void read_outer(Reader& reader, std::string_view id, Endpoint& endpoint) {
  endpoint.id = reader.text("id", true);
  endpoint.name = reader.text("name", true);
  endpoint.sandbox = reader.text("sandbox", false);
  for (const char* name : {"anonymous", "disableResolution", "loadBalancer"}) {
    reader.flag(name, false);
  }
  for (const char* name : {"exposed_ports", "myAliases", "svcAliases", "ingressPorts"}) {
    reader.array_or_null(name);
  }
  if (!reader.error() && endpoint.id != id) {
    reader.refuse("id", "is '" + endpoint.id + "', not the one of the key");
  }
  if (const auto locator = reader.text("locator", false); !locator.empty()) {
    const auto vtep = IpAddress::parse(locator);
    if (vtep) {
      endpoint.vtep = *vtep;
    } else {
      reader.refuse("locator", "is wrong: " + vtep.error().what);
    }
  }
}

}  // namespace

Result<Endpoint> decode_endpoint(std::string_view key, std::string_view network_id,
                                 std::string_view id, std::string_view value) {
  thread_local dom::parser parser;  // keeps its buffers
  dom::object root;
  if (parser.parse(value.data(), value.size()).get(root) != simdjson::SUCCESS) {
    return fail(ErrorKind::Invalid, std::string(key) + ": not a JSON object");
  }
  Endpoint endpoint;
  endpoint.network_id = network_id;
  Reader outer(root, key, "");
  read_outer(outer, id, endpoint);
  dom::object part;
  if (outer.object("ep_iface", part)) {
    Reader inner(part, key, "ep_iface.");
    read_interface(inner, endpoint);
    if (inner.error()) {
      return fail(*inner.error());
    }
  }
  if (outer.object("joinInfo", part)) {
    Reader inner(part, key, "joinInfo.");
    inner.flag("disableGatewayService", true);
    if (inner.error()) {
      return fail(*inner.error());
    }
  }
  if (outer.object("vtepd", part)) {
    Reader inner(part, key, "vtepd.");
    endpoint.owner = inner.text("owner", false);
    if (inner.error()) {
      return fail(*inner.error());
    }
  }
  if (outer.error()) {
    return fail(*outer.error());
  }
  return endpoint;
}

}  // namespace vtepd::registry
