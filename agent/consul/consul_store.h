// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "ports/kv_store.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vtepd {

namespace consul {
class KvClient;
class Sessions;
}  // namespace consul

// Consul's key-value store over its HTTP API.
//
// Threading: any thread may call; a thread of its own renews sessions, each watch has another, and
// the HTTP library has two for all of them. Errors: Unavailable while no server can be reached or
// believed, and while the ACL token does not allow what is asked; Invalid for a value that is too
// large. Lifetime: watches and sessions may outlive the object.
class ConsulStore : public KvStore {
 public:
  struct Options {
    std::vector<std::string> addresses;  // "http://host:port" or "https://host:port", best first
    std::string token_file;              // empty: the variable CONSUL_HTTP_TOKEN, if it is set
    std::string ca_file;                 // empty: the host's own authorities
    std::string cert_file;               // of the client, with key_file; both may be empty
    std::string key_file;
    std::string consistency = "default";  // of watches: "default", "consistent" or "stale"
    std::size_t body_limit = std::size_t{1} << 30U;
    std::chrono::seconds session_ttl{30};
    std::chrono::seconds watch_wait{60};
    // A prefix with more keys is read at intervals, if it has a pulse (see ConsulWatch).
    std::size_t large_prefix = 5000;
    std::chrono::milliseconds large_pause{10000};
    std::chrono::milliseconds stall{5000};  // how long a server may be silent in a call
  };

  // Invalid if an address, the token or a TLS file cannot be used. Does not wait for a server.
  static Result<std::unique_ptr<ConsulStore>> open(const Options& options);
  ~ConsulStore() override;
  ConsulStore(const ConsulStore&) = delete;
  ConsulStore& operator=(const ConsulStore&) = delete;

  Result<std::optional<KvPair>> get(const std::string& key) override;
  Result<std::vector<KvPair>> list(const std::string& prefix) override;
  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const KvSession* session = nullptr) override;
  Result<bool> erase(const std::string& key, std::uint64_t expected) override;
  Result<std::unique_ptr<KvSession>> create_session() override;
  Result<std::unique_ptr<KvWatch>> watch(const KvScope& scope,
                                         std::function<void(KvEvent)> callback) override;

 private:
  ConsulStore(const Options& options, std::shared_ptr<consul::KvClient> client);

  Options options_;
  std::shared_ptr<consul::KvClient> client_;
  std::unique_ptr<consul::Sessions> sessions_;
};

}  // namespace vtepd
