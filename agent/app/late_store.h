// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/kv_store.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace vtepd {

// A store that is away when the daemon starts and may come back later: every call tries to open it
// until that works, and fails as Unavailable meanwhile. A watch begins with an outage, and goes on
// as one of the store itself.
//
// Threading: any thread may call. Lifetime: watches end before the object.
class LateStore : public KvStore {
 public:
  using Open = std::function<Result<std::unique_ptr<KvStore>>()>;

  explicit LateStore(Open open) : open_(std::move(open)) {}

  Result<std::optional<KvPair>> get(const std::string& key) override;
  Result<std::vector<KvPair>> list(const std::string& prefix) override;
  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const KvSession* session = nullptr) override;
  Result<bool> erase(const std::string& key, std::uint64_t expected) override;
  Result<std::unique_ptr<KvSession>> create_session() override;
  Result<std::unique_ptr<KvWatch>> watch(const KvScope& scope,
                                         std::function<void(KvEvent)> callback) override;

  // The store, opened now if it was not before. Owned by this object.
  Result<KvStore*> store();

 private:
  Open open_;
  std::mutex mutex_;
  std::unique_ptr<KvStore> store_;
};

}  // namespace vtepd
