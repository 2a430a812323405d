// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/answer.h"
#include "ports/kv_store.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace vtepd::consul {

// The keys of a watched scope with their indices, by which an answer is compared with the last.
class KnownKeys {
 public:
  // One answer, taken in pair by pair. Only values that are new or changed are decoded, all of them
  // if `everything`. What is known stays as it was until it is committed.
  class Reading {
   public:
    Reading(const KnownKeys& known, const KvScope& scope, bool everything)
        : known_(known), scope_(scope), everything_(everything) {}

    Result<void> take(const PairView& view);
    // All pairs were taken: puts them in order. Unavailable if a key came twice.
    Result<void> finish();
    [[nodiscard]] bool has(const std::string& key) const;
    // Known keys that the answer lacks, at most so many.
    [[nodiscard]] std::vector<std::string> missing(std::size_t at_most) const;

   private:
    friend class KnownKeys;

    const KnownKeys& known_;
    const KvScope& scope_;
    bool everything_;
    std::vector<KvPair> keys_;     // without values
    std::vector<KvPair> changed_;  // with values
    std::size_t next_ = 0;         // where in the known keys the next one is, if they are in order
  };

  // Makes the reading what is known. The answer: a snapshot if everything was read, else what was
  // put and what went.
  std::vector<KvEvent> commit(Reading reading);

  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  std::vector<KvPair> keys_;  // in key order, without values
};

}  // namespace vtepd::consul
