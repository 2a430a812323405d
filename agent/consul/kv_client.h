// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/answer.h"
#include "consul/servers.h"
#include "ports/kv_store.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::consul {

// Consul's key-value and session calls, each one exchange with a server. Reads are `consistent`:
// what is written by compare-and-set next depends on them. An answer of a server that knows no
// leader, or that lacks its index, is Unavailable, never "there is nothing".
//
// Threading: any thread may call.
class KvClient {
 public:
  explicit KvClient(std::unique_ptr<Servers> servers) : servers_(std::move(servers)) {}

  Result<std::optional<KvPair>> get(const std::string& key);
  Result<std::vector<KvPair>> list(const std::string& prefix);
  // With `session` not empty the key is locked by it, whoever held it before.
  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const std::string& session);
  Result<bool> erase(const std::string& key, std::uint64_t expected);

  Result<std::string> create_session(std::chrono::seconds ttl);
  // False: the server knows no such session any more.
  Result<bool> renew_session(const std::string& id);
  Result<void> destroy_session(const std::string& id);

  [[nodiscard]] Servers& servers() { return *servers_; }

 private:
  Result<std::vector<KvPair>> get_tree(const std::string& prefix);
  Result<bool> transact(const std::string& operations, const std::string& operation);

  std::unique_ptr<Servers> servers_;
};

// Whether the answer is that of a healthy server: it knows a leader, says its index and, where the
// mode allows stale ones, is at most some seconds behind.
Result<void> check_healthy(const HttpResponse& response, const std::string& operation);

}  // namespace vtepd::consul
