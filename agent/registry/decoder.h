// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/store_event.h"
#include "ports/kv_store.h"

#include <memory>
#include <string>
#include <vector>

namespace vtepd {

// Turns what a watch on <prefix> reports into StoreEvents. Remembers, per key, what it last
// emitted, so that a snapshot yields only differences (and the deletions it implies), and joins
// Docker's two keys of a network into one Network. Not thread-safe: one per watch, used where the
// watch's callback runs.
class RegistryDecoder {
 public:
  explicit RegistryDecoder(std::string prefix);
  ~RegistryDecoder();
  RegistryDecoder(const RegistryDecoder&) = delete;
  RegistryDecoder& operator=(const RegistryDecoder&) = delete;

  // A key that was read singly may be ahead of the watch, whose older word on it is then left out.
  enum class Origin { Watch, SingleRead };
  std::vector<StoreEvent> decode(const KvEvent& event, Origin origin = Origin::Watch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vtepd
