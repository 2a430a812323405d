// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "ports/kv_store.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd::consul {

using Bytes = std::vector<std::uint8_t>;

// One key of an answer. The views point into the reader and last until it reads again.
struct PairView {
  std::string_view key;
  std::string_view value;  // base64
  std::uint64_t index = 0;

  // The value's bytes. Unavailable if it is no base64: such an answer is not to be believed.
  [[nodiscard]] Result<std::string> decoded() const;
};

// Reads the body of a KV answer. A body that is not complete, not JSON or not what Consul sends
// is an error as a whole. Values are decoded only where they are asked for.
class PairReader {
 public:
  PairReader();
  ~PairReader();
  PairReader(const PairReader&) = delete;
  PairReader& operator=(const PairReader&) = delete;

  // In key order. Every key must begin with the prefix, and none may come twice.
  Result<std::vector<PairView>> read(Bytes body, std::string_view prefix);
  // The answer of a transaction that reads: {"Results": [{"KV": {...}}], ...}.
  Result<std::vector<PairView>> read_transaction(Bytes body, std::string_view prefix);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Result<std::vector<KvPair>> decode_all(const std::vector<PairView>& views);

// "true" or "false".
Result<bool> read_boolean(const Bytes& body);
// {"ID": "..."}
Result<std::string> read_session_id(const Bytes& body);
// Whether a transaction was refused because its first step, the comparison, found the key changed.
[[nodiscard]] bool is_conflict(const Bytes& body);

}  // namespace vtepd::consul
