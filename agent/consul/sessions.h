// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/kv_client.h"
#include "ports/kv_store.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace vtepd::consul {

// The sessions of one store: a thread renews them, and when Consul has lost one (it was away for
// longer than the TTL, or its agent's node failed) makes another and writes that one's keys again,
// unless somebody else has them by then.
//
// Threading: any thread may call. Lifetime: a session may outlive the store; its keys then go when
// the TTL is over.
class Sessions {
 public:
  Sessions(std::shared_ptr<KvClient> client, std::chrono::seconds ttl);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  Result<std::unique_ptr<KvSession>> create();
  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const KvSession& session);
  // The key is nobody's of ours any more, or is about to be.
  void forget(const std::string& key);

 private:
  struct Session {
    std::string consul_id;                    // the present one
    std::map<std::string, std::string> keys;  // written with it
    bool restored = true;                     // all of them are Consul's, too
  };

  struct Table {
    std::mutex mutex;
    std::condition_variable stopping;
    bool stop = false;
    std::map<std::string, Session> sessions;  // by the id that the owner knows
  };

  class Handle;

  void renew_until_stopped();
  bool renew_all();  // false if Consul did not take it
  bool replace(const std::string& id);
  bool restore(const std::string& id);
  Result<bool> restore_key(const std::string& consul_id, const std::string& key,
                           const std::string& value);

  std::shared_ptr<KvClient> client_;
  std::chrono::seconds ttl_;
  std::shared_ptr<Table> table_ = std::make_shared<Table>();
  std::thread renewer_;
};

}  // namespace vtepd::consul
