// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// One stored key. `index` grows with every change of the key and is never 0; it is what the
// compare-and-set calls compare.
struct KvPair {
  std::string key;
  std::string value;
  std::uint64_t index = 0;
};

// What a watch reports. A snapshot is complete for the scope: what it lacks is deleted. A change
// is one key or some. An outage means that nothing is known until the next snapshot; the last state
// stays.
struct KvEvent {
  enum class Kind { Snapshot, Put, Delete, Outage, Recovered };
  Kind kind = Kind::Put;
  std::vector<KvPair> pairs;  // Snapshot: all; Put: what changed; Delete: what went, keys only
  std::string reason;         // Outage: what is wrong and what to do
};

// What a watch is on.
struct KvScope {
  KvScope(std::string keys) : prefix(std::move(keys)) {}  // NOLINT(google-explicit-constructor)

  KvScope(const char* keys) : prefix(keys) {}  // NOLINT(google-explicit-constructor)

  std::string prefix;
  // The key `prefix` alone, instead of all that start with it.
  bool single = false;
  // A key below the prefix that is always there: a store that may leave out what it must not show
  // reports an outage when it is missing, and no deletion. Empty: there is no such key.
  std::string required{};
  // A key that is written about when keys below the prefix come or go. A store that has to read all
  // of a long prefix to see one change may follow this key instead, and read the prefix at
  // intervals. Empty: there is none.
  std::string pulse{};
};

// A session's keys vanish when the process that made it ends, however it ends.
class KvSession {
 public:
  virtual ~KvSession() = default;
  [[nodiscard]] virtual const std::string& id() const = 0;
};

// A running watch; destroying it stops the callbacks (none runs after the destructor returned).
class KvWatch {
 public:
  virtual ~KvWatch() = default;
  // Reads everything again soon, whatever the store reported so far.
  virtual void refresh() = 0;
};

// A key-value store with compare-and-set. Calls block (some seconds at most) and may come from any
// thread. Errors: Unavailable when the store cannot be reached or is not believable now.
class KvStore {
 public:
  virtual ~KvStore() = default;

  // Empty optional: no such key, on the word of a healthy store.
  virtual Result<std::optional<KvPair>> get(const std::string& key) = 0;
  // All keys that start with the prefix, in key order.
  virtual Result<std::vector<KvPair>> list(const std::string& prefix) = 0;
  // Writes if the key's index is `expected` (0: if there is no such key). Returns false, writing
  // nothing, if it is not. With a session the key goes when the session does.
  virtual Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                           const KvSession* session = nullptr) = 0;
  // Deletes if the key's index is `expected`. False if it is not; true if it is already gone.
  virtual Result<bool> erase(const std::string& key, std::uint64_t expected) = 0;
  virtual Result<std::unique_ptr<KvSession>> create_session() = 0;
  // Calls back on a thread of its own, first with a snapshot (or an outage), in order.
  virtual Result<std::unique_ptr<KvWatch>> watch(const KvScope& scope,
                                                 std::function<void(KvEvent)> callback) = 0;
};

}  // namespace vtepd
