// SPDX-License-Identifier: GPL-2.0-only
#include "consul/consul_store.h"

#include "consul/consul_watch.h"
#include "consul/kv_client.h"
#include "consul/sessions.h"
#include "consul/text.h"

#include <utility>

namespace vtepd {

Result<std::unique_ptr<ConsulStore>> ConsulStore::open(const Options& options) {
  // The server adds up to a sixteenth of its own to a query's wait.
  const std::chrono::milliseconds wait = options.watch_wait;
  auto servers =
      consul::Servers::create({.addresses = options.addresses,
                               .token_file = options.token_file,
                               .tls = {options.ca_file, options.cert_file, options.key_file},
                               .body_limit = options.body_limit,
                               .stall = options.stall,
                               .watch_stall = wait + wait / 16 + options.stall});
  if (!servers) {
    return fail(servers.error());
  }
  return std::unique_ptr<ConsulStore>(
      new ConsulStore(options, std::make_shared<consul::KvClient>(std::move(*servers))));
}

ConsulStore::ConsulStore(const Options& options, std::shared_ptr<consul::KvClient> client)
    : options_(options),
      client_(std::move(client)),
      sessions_(std::make_unique<consul::Sessions>(client_, options_.session_ttl)) {}

ConsulStore::~ConsulStore() = default;

Result<std::optional<KvPair>> ConsulStore::get(const std::string& key) {
  return client_->get(key);
}

Result<std::vector<KvPair>> ConsulStore::list(const std::string& prefix) {
  return client_->list(prefix);
}

Result<bool> ConsulStore::put(const std::string& key, const std::string& value,
                              std::uint64_t expected, const KvSession* session) {
  if (session != nullptr) {
    return sessions_->put(key, value, expected, *session);
  }
  return client_->put(key, value, expected, {});
}

Result<bool> ConsulStore::erase(const std::string& key, std::uint64_t expected) {
  sessions_->forget(key);
  return client_->erase(key, expected);
}

Result<std::unique_ptr<KvSession>> ConsulStore::create_session() {
  return sessions_->create();
}

Result<std::unique_ptr<KvWatch>> ConsulStore::watch(const KvScope& scope,
                                                    std::function<void(KvEvent)> callback) {
  for (const auto& key : {scope.prefix, scope.pulse}) {
    if (!consul::fits_in_path(key)) {
      return fail(ErrorKind::Invalid, "Consul cannot watch '" + key + "'");
    }
  }
  return std::unique_ptr<KvWatch>(std::make_unique<consul::ConsulWatch>(
      client_, scope,
      consul::WatchOptions{options_.consistency, options_.watch_wait, options_.large_prefix,
                           options_.large_pause},
      std::move(callback)));
}

}  // namespace vtepd
