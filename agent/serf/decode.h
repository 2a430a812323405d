// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "ports/gossip.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd::serf {

// What Serf's RPC answers: each function takes the bytes of one complete msgpack object
// (ObjectReader) and names the field that is missing or wrong. Strings and byte strings may be
// encoded as either, and fields that are not known are passed over, as the agent's versions differ.

struct ResponseHeader {
  std::uint64_t seq = 0;
  std::string error;  // empty: well
};

struct QueryRecord {
  enum class Kind { Ack, Response, Done };
  Kind kind = Kind::Done;
  std::string from;
  std::string payload;
};

Result<ResponseHeader> decode_header(std::string_view object);
// A record of a stream: an event, a query (without its connection) or a change of members.
Result<GossipNotice> decode_record(std::string_view object);
Result<QueryRecord> decode_query_record(std::string_view object);
Result<std::vector<GossipMember>> decode_members(std::string_view object);
Result<std::size_t> decode_join(std::string_view object);  // how many nodes were reached

}  // namespace vtepd::serf
