// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/model.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd::registry {

// The values of vtepd's own keys.
std::string encode_marker();
std::string encode_node(const Node& node);
Result<Node> decode_node(std::string_view key, std::string_view vtep, std::string_view value);

// addresses/<nid>/<address>: who has a floating address, and what the store holds for it.
struct FloatingRecord {
  FloatingAddress floating;
  std::string pool_id;  // whose bit this key keeps set; empty: none, or it is another's
  // Set while the bit is being taken: the index of the pool's key at which it is to be set.
  std::optional<std::uint64_t> taking;
  bool in_force = true;  // not yet, if it needs a bit first
  // Set while the holder lets go: the index of the pool's key at which the bit shall be cleared.
  std::optional<std::uint64_t> leaving;
  bool operator==(const FloatingRecord&) const = default;
};

std::string encode_floating(const FloatingRecord& record);
Result<FloatingRecord> decode_floating(std::string_view key, std::string_view network_id,
                                       std::string_view address, std::string_view value);

// A request for acknowledgements, and an acknowledgement.
std::string encode_revision(const std::string& revision);
Result<std::string> decode_revision(std::string_view key, std::string_view value);

// One member of a count: endpoint_count/<nid>/.
std::string encode_count(std::uint64_t count);
Result<std::uint64_t> decode_count(std::string_view key, std::string_view value);

}  // namespace vtepd::registry
