// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/store_event.h"
#include "ports/kv_store.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// Turns what a watch on <prefix> reports into StoreEvents. Remembers, per key, what it last
// emitted, so that a snapshot yields only differences (and the deletions it implies), and joins
// Docker's two keys of a network into one Network. Not thread-safe.
class RegistryDecoder {
 public:
  explicit RegistryDecoder(std::string prefix);
  ~RegistryDecoder();
  RegistryDecoder(const RegistryDecoder&) = delete;
  RegistryDecoder& operator=(const RegistryDecoder&) = delete;

  // `scope` is the prefix that the event's watch is on: a snapshot says nothing of other keys.
  std::vector<StoreEvent> decode(const KvEvent& event, std::string_view scope = {});
  // A key that was read besides the watch, and may be ahead of it: its older word on it is then
  // left out.
  std::vector<StoreEvent> decode_read(const KvEvent& event);
  // A network's VNIs and endpoints, as if their keys had gone.
  std::vector<StoreEvent> forget(const std::string& network_id);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vtepd
