// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/gossip.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd::serf {

// Requests of Serf's RPC: a header map, and behind it a body map for the commands that have one.
// Empty for those that have none.
[[nodiscard]] std::string encode_header(std::string_view command, std::uint64_t seq);
[[nodiscard]] std::string handshake_body();
[[nodiscard]] std::string auth_body(const std::string& key);
[[nodiscard]] std::string stream_body(const std::string& filter);
[[nodiscard]] std::string event_body(const GossipEvent& event);
[[nodiscard]] std::string query_body(const GossipQuery& query);
[[nodiscard]] std::string respond_body(std::uint64_t id, const std::string& payload);
[[nodiscard]] std::string join_body(const std::string& address);

}  // namespace vtepd::serf
