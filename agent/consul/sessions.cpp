// SPDX-License-Identifier: GPL-2.0-only
#include "consul/sessions.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vtepd::consul {

namespace {

constexpr int kRenewalsPerTtl = 3;  // two may fail
constexpr std::chrono::milliseconds kRetry{1000};

}  // namespace

class Sessions::Handle : public KvSession {
 public:
  Handle(std::shared_ptr<KvClient> client, std::shared_ptr<Table> table, std::string id)
      : client_(std::move(client)), table_(std::move(table)), id_(std::move(id)) {}

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  // If Consul is away now, the TTL does the rest.
  ~Handle() override {
    std::string consul_id;
    {
      const std::lock_guard guard(table_->mutex);
      consul_id = table_->sessions[id_].consul_id;
      table_->sessions.erase(id_);
    }
    static_cast<void>(client_->destroy_session(consul_id));
  }

  [[nodiscard]] const std::string& id() const override { return id_; }

 private:
  std::shared_ptr<KvClient> client_;
  std::shared_ptr<Table> table_;
  std::string id_;
};

Sessions::Sessions(std::shared_ptr<KvClient> client, std::chrono::seconds ttl)
    : client_(std::move(client)), ttl_(ttl), renewer_([this] { renew_until_stopped(); }) {}

Sessions::~Sessions() {
  {
    const std::lock_guard guard(table_->mutex);
    table_->stop = true;
  }
  table_->stopping.notify_all();
  renewer_.join();
}

Result<std::unique_ptr<KvSession>> Sessions::create() {
  auto id = client_->create_session(ttl_);
  if (!id) {
    return fail(id.error());
  }
  {
    const std::lock_guard guard(table_->mutex);
    table_->sessions[*id].consul_id = *id;
  }
  return std::unique_ptr<KvSession>(std::make_unique<Handle>(client_, table_, std::move(*id)));
}

Result<bool> Sessions::put(const std::string& key, const std::string& value, std::uint64_t expected,
                           const KvSession& session) {
  std::string consul_id;
  {
    const std::lock_guard guard(table_->mutex);
    const auto found = table_->sessions.find(session.id());
    if (found == table_->sessions.end()) {
      return fail(ErrorKind::Invalid, "write '" + key + "': the session is another store's");
    }
    consul_id = found->second.consul_id;
  }
  auto written = client_->put(key, value, expected, consul_id);
  if (written && *written) {
    const std::lock_guard guard(table_->mutex);
    if (const auto found = table_->sessions.find(session.id()); found != table_->sessions.end()) {
      found->second.keys[key] = value;
    }
  }
  return written;
}

void Sessions::forget(const std::string& key) {
  const std::lock_guard guard(table_->mutex);
  for (auto& [id, session] : table_->sessions) {
    session.keys.erase(key);
  }
}

void Sessions::renew_until_stopped() {
  const std::chrono::milliseconds usual = ttl_ / kRenewalsPerTtl;
  bool well = true;
  std::unique_lock guard(table_->mutex);
  while (!table_->stopping.wait_for(guard, well ? usual : std::min(usual, kRetry),
                                    [this] { return table_->stop; })) {
    guard.unlock();
    well = renew_all();
    guard.lock();
  }
}

// An error is Consul being away: the watches report that, and the next round tries again.
bool Sessions::renew_all() {
  std::vector<std::pair<std::string, Session>> present;
  {
    const std::lock_guard guard(table_->mutex);
    present.assign(table_->sessions.begin(), table_->sessions.end());
  }
  bool well = true;
  for (const auto& [id, session] : present) {
    const auto renewed = client_->renew_session(session.consul_id);
    well = renewed && (*renewed || replace(id)) && (session.restored || restore(id)) && well;
  }
  return well;
}

bool Sessions::replace(const std::string& id) {
  auto fresh = client_->create_session(ttl_);
  if (!fresh) {
    return false;
  }
  {
    const std::lock_guard guard(table_->mutex);
    if (const auto found = table_->sessions.find(id); found != table_->sessions.end()) {
      found->second.consul_id = *fresh;
      found->second.restored = false;
      fresh->clear();
    }
  }
  if (!fresh->empty()) {  // its owner ended it meanwhile
    return client_->destroy_session(*fresh).has_value();
  }
  return restore(id);
}

bool Sessions::restore(const std::string& id) {
  Session session;
  {
    const std::lock_guard guard(table_->mutex);
    if (const auto found = table_->sessions.find(id); found != table_->sessions.end()) {
      session = found->second;
    }
  }
  for (const auto& [key, value] : session.keys) {
    if (!restore_key(session.consul_id, key, value)) {
      return false;
    }
  }
  const std::lock_guard guard(table_->mutex);
  if (const auto found = table_->sessions.find(id); found != table_->sessions.end()) {
    found->second.restored = true;
  }
  return true;
}

// A key that holds another value by now is somebody else's.
Result<bool> Sessions::restore_key(const std::string& consul_id, const std::string& key,
                                   const std::string& value) {
  const auto pair = client_->get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (*pair && (*pair)->value != value) {
    return false;
  }
  return client_->put(key, value, *pair ? (*pair)->index : 0, consul_id);
}

}  // namespace vtepd::consul
