// SPDX-License-Identifier: GPL-2.0-only
#include "api/json_codec.h"

#include "api/json_fields.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace vtepd {

namespace {

constexpr std::uint64_t kSchema = 1;

// The words for enumerations, in the enumerators' order.
constexpr std::array<std::string_view, 3> kHealth{"well", "degraded", "down"};
constexpr std::array<ErrorKind, 7> kErrorKinds{
    ErrorKind::Invalid,     ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Exhausted,
    ErrorKind::Unavailable, ErrorKind::Denied,   ErrorKind::Internal};

// Key of the value in its document; nullptr: its fields are the document's.
template <typename T>
constexpr const char* kKey = nullptr;
template <>
constexpr const char* kKey<NetworkView> = "network";
template <>
constexpr const char* kKey<EndpointView> = "endpoint";
template <>
constexpr const char* kKey<StatusView> = "status";
template <>
constexpr const char* kKey<Error> = "error";
template <>
constexpr const char* kKey<std::vector<NetworkView>> = "networks";
template <>
constexpr const char* kKey<std::vector<EndpointView>> = "endpoints";
template <>
constexpr const char* kKey<std::vector<FdbView>> = "fdb";
template <>
constexpr const char* kKey<std::vector<NeighbourView>> = "neigh";
template <>
constexpr const char* kKey<std::vector<VtepView>> = "vteps";
template <>
constexpr const char* kKey<std::vector<DropView>> = "drops";
template <>
constexpr const char* kKey<std::vector<DifferenceView>> = "differences";

template <typename T>
constexpr bool kIsRequest = std::same_as<T, NetworkSpec> || std::same_as<T, AttachRequest> ||
                            std::same_as<T, DetachRequest> || std::same_as<T, AddressRequest> ||
                            std::same_as<T, RepairRequest>;

auto order(const NetworkView& row) {
  return std::tie(row.name, row.address_space, row.id);
}

auto order(const EndpointView& row) {
  return std::tie(row.network, row.vni, row.address4, row.mac, row.id);
}

auto order(const FdbView& row) {
  return std::tie(row.network, row.vni, row.mac);
}

auto order(const NeighbourView& row) {
  return std::tie(row.network, row.vni, row.address);
}

auto order(const VtepView& row) {
  return std::tie(row.address, row.id);
}

auto order(const DropView& row) {
  return std::tie(row.network, row.vni, row.reason);
}

auto order(const DifferenceView& row) {
  return std::tie(row.network, row.kind, row.object, row.network_id);
}

template <typename T>
const T& in_order(const T& value) {
  return value;
}

template <typename Row>
std::vector<Row> in_order(const std::vector<Row>& rows) {
  auto sorted = rows;
  std::sort(sorted.begin(), sorted.end(),
            [](const Row& a, const Row& b) { return order(a) < order(b); });
  return sorted;
}

// What the types alone do not say.
Result<NetworkSpec> checked(NetworkSpec spec) {
  if (spec.name.empty()) {
    return fail(ErrorKind::Invalid, "field 'name' is empty");
  }
  if (spec.subnets.empty()) {
    return fail(ErrorKind::Invalid, "field 'subnets' is empty");
  }
  return spec;
}

Result<AttachRequest> checked(AttachRequest request) {
  if (request.network.empty()) {
    return fail(ErrorKind::Invalid, "field 'network' is empty");
  }
  if (request.netns_path.empty() || request.netns_path.front() != '/') {
    return fail(ErrorKind::Invalid,
                "field 'netns' is \"" + request.netns_path + "\": it must be an absolute path");
  }
  if (request.address4 && !request.address4->is_v4()) {
    return fail(ErrorKind::Invalid, "field 'address4' is \"" + request.address4->to_string() +
                                        "\": it must be an IPv4 address");
  }
  if (request.address6 && request.address6->is_v4()) {
    return fail(ErrorKind::Invalid, "field 'address6' is \"" + request.address6->to_string() +
                                        "\": it must be an IPv6 address");
  }
  return request;
}

Result<DetachRequest> checked(DetachRequest request) {
  const bool by_place = !request.network.empty() && !request.netns_path.empty();
  if (request.endpoint.empty() ? !by_place
                               : !request.network.empty() || !request.netns_path.empty()) {
    return fail(ErrorKind::Invalid,
                "name either the endpoint, or the network and the namespace ('netns')");
  }
  return request;
}

template <typename T>
Result<T> checked(T value) {
  return value;
}

}  // namespace

void describe_health(JsonWriter& io, const Health& health) {
  io.field("health", std::string(kHealth.at(static_cast<std::size_t>(health))));
}

void describe_health(JsonReader& io, Health& health) {
  std::string word(kHealth.front());
  io.field("health", word);
  const auto found = std::find(kHealth.begin(), kHealth.end(), word);
  if (found == kHealth.end()) {
    io.fail("field 'health' is \"" + word + "\", which this version does not know");
    return;
  }
  health = static_cast<Health>(found - kHealth.begin());
}

void describe(JsonWriter& io, const Error& error) {
  io.field("kind", std::string(to_string(error.kind)));
  io.field("message", error.what);
}

void describe(JsonReader& io, Error& error) {
  std::string word;
  io.field("kind", word);
  const auto found = std::find_if(kErrorKinds.begin(), kErrorKinds.end(),
                                  [&](ErrorKind kind) { return to_string(kind) == word; });
  error.kind = found == kErrorKinds.end() ? ErrorKind::Internal : *found;
  io.field("message", error.what);
}

template <typename T>
std::string to_json(const T& value) {
  JsonDocument document;
  auto writer = document.writer();
  writer.field("schema", kSchema);
  if constexpr (kKey<T> != nullptr) {
    writer.field(kKey<T>, in_order(value));
  } else {
    describe(writer, value);
  }
  return document.text();
}

template <typename T>
Result<T> from_json(std::string_view text) {
  const auto document = JsonDocument::parse(text);
  if (!document) {
    return fail(document.error());
  }
  JsonReader::Outcome outcome{.strict = kIsRequest<T>, .mistake = {}};
  auto reader = document->reader(outcome);
  std::uint64_t schema = kIsRequest<T> ? kSchema : 0;
  reader.field("schema", schema);
  if (schema != kSchema) {
    reader.fail("field 'schema' is " + std::to_string(schema) + ": this version knows schema 1");
  }
  T value{};
  if constexpr (kKey<T> != nullptr) {
    reader.required(kKey<T>, value);
  } else {
    describe(reader, value);
  }
  reader.finish();
  if (!outcome.mistake.empty()) {
    return fail(ErrorKind::Invalid, outcome.mistake);
  }
  return checked(std::move(value));
}

Result<std::string> indented_json(std::string_view text) {
  const auto document = JsonDocument::parse(text);
  if (!document) {
    return fail(document.error());
  }
  return document->text(true);
}

#define VTEPD_DOCUMENT(T)                 \
  template std::string to_json(const T&); \
  template Result<T> from_json(std::string_view);

VTEPD_DOCUMENT(NetworkView)
VTEPD_DOCUMENT(EndpointView)
VTEPD_DOCUMENT(StatusView)
VTEPD_DOCUMENT(AttachReply)
VTEPD_DOCUMENT(Error)
VTEPD_DOCUMENT(std::vector<NetworkView>)
VTEPD_DOCUMENT(std::vector<EndpointView>)
VTEPD_DOCUMENT(std::vector<FdbView>)
VTEPD_DOCUMENT(std::vector<NeighbourView>)
VTEPD_DOCUMENT(std::vector<VtepView>)
VTEPD_DOCUMENT(std::vector<DropView>)
VTEPD_DOCUMENT(std::vector<DifferenceView>)
VTEPD_DOCUMENT(RepairReply)
VTEPD_DOCUMENT(RepairRequest)
VTEPD_DOCUMENT(NetworkSpec)
VTEPD_DOCUMENT(AttachRequest)
VTEPD_DOCUMENT(DetachRequest)
VTEPD_DOCUMENT(AddressRequest)
#undef VTEPD_DOCUMENT

}  // namespace vtepd
