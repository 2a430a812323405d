// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/model.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd::registry {

// endpoint/<nid>/<eid>/. Errors name the key and the field.
Result<Endpoint> decode_endpoint(std::string_view key, std::string_view network_id,
                                 std::string_view id, std::string_view value);
// Likewise, `packed` being the id. Fast: there may be a million of them.
Result<PackedEndpoint> decode_packed_endpoint(std::string_view key, std::string_view id,
                                              const ObjectId& packed, std::string_view value);

// For each thing that an endpoint holds outside its own key, an index of that thing's key.
struct HoldIndices {
  std::optional<std::uint64_t> address4;
  std::optional<std::uint64_t> address6;
  std::optional<std::uint64_t> count;
  bool operator==(const HoldIndices&) const = default;
};

// What a new endpoint has not surely got yet, kept in the endpoint itself: the index of each key at
// which it is to be taken.
using Taking = HoldIndices;

// What the key says of a new endpoint, with all the fields without which dockerd dies.
struct EndpointDocument {
  Endpoint endpoint;
  std::string interface_prefix = "eth";  // dstPrefix
  std::string host_ifname;               // srcName
  std::string pool4;
  std::string pool6;
  std::vector<std::string> aliases;
  bool anonymous = false;
  bool joined = false;
  Taking taking;
};

// Without an owner there is no "vtepd" member, and the text is what dockerd writes.
std::string encode_endpoint(const EndpointDocument& document);

// The same value after the join: sandbox and interface known, all taken.
Result<std::string> with_sandbox(std::string_view key, std::string_view value,
                                 const std::string& sandbox, const std::string& host_ifname);

struct EndpointPools {
  std::string v4;
  std::string v6;
};

Result<EndpointPools> endpoint_pools(std::string_view key, std::string_view value);

Result<Taking> endpoint_taking(std::string_view key, std::string_view value);
Result<std::string> without_taking(std::string_view key, std::string_view value);

// How far the removal of an endpoint has got, kept in the endpoint itself: for each thing to be
// given back the index of its key at which that shall happen; empty when nothing is to be done.
struct Leaving : HoldIndices {
  std::uint64_t run = 0;  // which attempt at the removal this is
  bool operator==(const Leaving&) const = default;
};

Result<std::optional<Leaving>> endpoint_leaving(std::string_view key, std::string_view value);
// Empties the sandbox as well: from now on nobody forwards to it. What was being taken is settled.
Result<std::string> with_leaving(std::string_view key, std::string_view value,
                                 const Leaving& leaving);

}  // namespace vtepd::registry
