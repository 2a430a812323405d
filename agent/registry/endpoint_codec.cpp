// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <simdjson.h>

namespace vtepd::registry {

namespace {

namespace dom = simdjson::dom;

// The members that are read, in the order in which dockerd writes them: Go sorts them.
enum Outer : std::size_t {
  kAnonymous,
  kDisableResolution,
  kInterface,
  kExposedPorts,
  kId,
  kIngressPorts,
  kJoinInfo,
  kLoadBalancer,
  kLocator,
  kMyAliases,
  kName,
  kSandbox,
  kSvcAliases,
  kVtepd
};

constexpr std::array<std::string_view, 14> kOuter{
    "anonymous",    "disableResolution", "ep_iface",     "exposed_ports", "id",
    "ingressPorts", "joinInfo",          "loadBalancer", "locator",       "myAliases",
    "name",         "sandbox",           "svcAliases",   "vtepd"};

enum Interface : std::size_t { kAddress4, kAddress6, kDstPrefix, kMac, kSrcName, kPool4, kPool6 };

constexpr std::array<std::string_view, 7> kInterfaceMembers{
    "addr", "addrv6", "dstPrefix", "mac", "srcName", "v4PoolID", "v6PoolID"};

constexpr std::array<std::string_view, 1> kJoinMembers{"disableGatewayService"};
constexpr std::array<std::string_view, 1> kOwnMembers{"owner"};

// Collects the first mistake, like Members, over simdjson's tree. The members are looked for once,
// all together.
class Reader {
 public:
  Reader(dom::object object, std::span<const std::string_view> names, std::string_view key,
         std::string_view inside)
      : names_(names), key_(key), inside_(inside) {
    std::size_t next = 0;
    for (const auto field : object) {
      for (std::size_t tried = 0; tried < names.size(); ++tried) {
        const std::size_t place = (next + tried) % names.size();
        if (field.key == names[place]) {  // the last one counts, as in Go's encoding/json
          members_.at(place) = field.value;
          found_ |= 1U << place;
          next = place + 1;
          break;
        }
      }
    }
  }

  std::string_view text(std::size_t name, bool required) {
    std::string_view value;
    if (find(name, required) && members_.at(name).get(value) != simdjson::SUCCESS) {
      refuse(name, "is not a string");
    }
    return value;
  }

  void flag(std::size_t name, bool required) {
    if (find(name, required) && !members_.at(name).is_bool()) {
      refuse(name, "is neither true nor false");
    }
  }

  // False if absent or null.
  bool object(std::size_t name, dom::object& value) {
    if (!find(name, false) || members_.at(name).is_null()) {
      return false;
    }
    if (members_.at(name).get(value) != simdjson::SUCCESS) {
      refuse(name, "is not an object");
      return false;
    }
    return true;
  }

  void array_or_null(std::size_t name) {
    if (find(name, false) && !members_.at(name).is_null() && !members_.at(name).is_array()) {
      refuse(name, "is not an array");
    }
  }

  void refuse(std::size_t name, const std::string& why) {
    if (!error_) {
      error_ = Error{ErrorKind::Invalid, std::string(key_) + ": field '" + std::string(inside_) +
                                             std::string(names_[name]) + "' " + why};
    }
  }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  bool find(std::size_t name, bool required) {
    if (error_) {
      return false;
    }
    const bool found = (found_ >> name & 1U) != 0;
    if (!found && required) {
      refuse(name, "is missing");
    }
    return found;
  }

  std::span<const std::string_view> names_;
  std::string_view key_;
  std::string_view inside_;
  std::array<dom::element, kOuter.size()> members_;
  std::uint32_t found_ = 0;
  std::optional<Error> error_;
};

// What is read, borrowed from the parser where it is text.
struct Fields {
  std::string_view name;
  MacAddress mac;
  std::optional<IpPrefix> address4;
  std::optional<IpPrefix> address6;
  IpAddress vtep;
  std::string_view sandbox;
  std::string_view owner;
};

std::optional<IpPrefix> read_address(Reader& reader, Interface name, bool v4) {
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

void read_interface(Reader& reader, Fields& fields) {
  fields.address4 = read_address(reader, kAddress4, true);
  fields.address6 = read_address(reader, kAddress6, false);
  for (const auto name : {kDstPrefix, kSrcName, kPool4, kPool6}) {
    static_cast<void>(reader.text(name, true));
  }
  if (const auto text = reader.text(kMac, false); !text.empty()) {
    const auto mac = MacAddress::parse_unicast(text);
    if (mac) {
      fields.mac = *mac;
    } else {
      reader.refuse(kMac, "is wrong: " + mac.error().what);
    }
  }
}

// "sandbox" and the rest of the outer object; vtepd's own member is only in our endpoints.
void read_outer(Reader& reader, std::string_view id, Fields& fields) {
  const auto own_id = reader.text(kId, true);
  fields.name = reader.text(kName, true);
  fields.sandbox = reader.text(kSandbox, false);
  for (const auto name : {kAnonymous, kDisableResolution, kLoadBalancer}) {
    reader.flag(name, false);
  }
  for (const auto name : {kExposedPorts, kMyAliases, kSvcAliases, kIngressPorts}) {
    reader.array_or_null(name);
  }
  if (!reader.error() && own_id != id) {
    reader.refuse(kId, "is '" + std::string(own_id) + "', not the one of the key");
  }
  if (const auto locator = reader.text(kLocator, false); !locator.empty()) {
    const auto vtep = IpAddress::parse(locator);
    if (vtep) {
      fields.vtep = *vtep;
    } else {
      reader.refuse(kLocator, "is wrong: " + vtep.error().what);
    }
  }
}

Result<Fields> read(dom::parser& parser, std::string_view key, std::string_view id,
                    std::string_view value) {
  dom::object root;
  if (parser.parse(value.data(), value.size()).get(root) != simdjson::SUCCESS) {
    return fail(ErrorKind::Invalid, std::string(key) + ": not a JSON object");
  }
  Fields fields;
  Reader outer(root, kOuter, key, "");
  read_outer(outer, id, fields);
  dom::object part;
  if (outer.object(kInterface, part)) {
    Reader inner(part, kInterfaceMembers, key, "ep_iface.");
    read_interface(inner, fields);
    if (inner.error()) {
      return fail(*inner.error());
    }
  }
  if (outer.object(kJoinInfo, part)) {
    Reader inner(part, kJoinMembers, key, "joinInfo.");
    inner.flag(0, true);
    if (inner.error()) {
      return fail(*inner.error());
    }
  }
  if (outer.object(kVtepd, part)) {
    Reader inner(part, kOwnMembers, key, "vtepd.");
    fields.owner = inner.text(0, false);
    if (inner.error()) {
      return fail(*inner.error());
    }
  }
  if (outer.error()) {
    return fail(*outer.error());
  }
  return fields;
}

// Keeps its buffers from one value to the next.
dom::parser& parser() {
  thread_local dom::parser parser;
  return parser;
}

}  // namespace

Result<Endpoint> decode_endpoint(std::string_view key, std::string_view network_id,
                                 std::string_view id, std::string_view value) {
  const auto fields = read(parser(), key, id, value);
  if (!fields) {
    return fail(fields.error());
  }
  return Endpoint{.id = std::string(id),
                  .network_id = std::string(network_id),
                  .name = std::string(fields->name),
                  .mac = fields->mac,
                  .address4 = fields->address4,
                  .address6 = fields->address6,
                  .vtep = fields->vtep,
                  .sandbox = std::string(fields->sandbox),
                  .owner = std::string(fields->owner)};
}

Result<PackedEndpoint> decode_packed_endpoint(std::string_view key, std::string_view id,
                                              const ObjectId& packed, std::string_view value) {
  const auto fields = read(parser(), key, id, value);
  if (!fields) {
    return fail(fields.error());
  }
  return PackedEndpoint{.id = packed,
                        .name = std::string(fields->name),
                        .mac = fields->mac,
                        .address4 = fields->address4,
                        .address6 = fields->address6,
                        .vtep = fields->vtep,
                        .owner = std::string(fields->owner),
                        .active = !fields->sandbox.empty() && !fields->vtep.is_unspecified()};
}

}  // namespace vtepd::registry
