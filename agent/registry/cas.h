// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/kv_store.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::registry {

// Reads the key, asks `change` for the new value and writes it by compare-and-set, again and again
// while others write between. `change` gets the present pair (empty: no such key) and answers the
// new value, or nothing if there is nothing to do, or an error that ends it all.
using Change = std::function<Result<std::optional<std::string>>(const std::optional<KvPair>&)>;
Result<void> update(KvStore& store, const std::string& key, const Change& change);

// Writes a key that must not be there. Conflict if it is.
Result<void> create_key(KvStore& store, const std::string& key, const std::string& value);

// Deletes the key whatever it holds; a key that is not there is fine.
Result<void> erase_key(KvStore& store, const std::string& key);

// A pause that grows with the number of failed tries and differs between those who collided.
void back_off(int tries);
inline constexpr int kMaxTries = 100;
[[nodiscard]] Error too_many_tries(const std::string& key);

// What to take back, last step first, unless all went well. A step that cannot be taken back now
// (the store is away) is lost: its leftover is a pool, VNI or address that stays taken.
class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo();

  void push(std::function<void()> step) { steps_.push_back(std::move(step)); }

  void commit() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace vtepd::registry
