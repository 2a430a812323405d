// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/answer.h"
#include "ports/kv_store.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace vtepd::consul {

// The keys of a watched prefix with their indices, by which an answer is compared with the last.
class KnownKeys {
 public:
  // Keys that the answer lacks, at most so many.
  [[nodiscard]] std::vector<std::string> missing(const std::vector<PairView>& views,
                                                 std::size_t at_most) const;

  // What changed, in key order: Put for new and changed keys, Delete for missing ones. Only changed
  // values are decoded. An error leaves everything as it was.
  Result<std::vector<KvEvent>> update(const std::vector<PairView>& views);

  // The whole answer as a snapshot.
  Result<KvEvent> replace(const std::vector<PairView>& views);

 private:
  struct Known {
    std::string key;
    std::uint64_t index = 0;
  };

  std::vector<Known> keys_;  // in key order
};

}  // namespace vtepd::consul
