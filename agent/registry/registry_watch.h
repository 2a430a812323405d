// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/store_event.h"
#include "ports/kv_store.h"
#include "registry/decoder.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace vtepd {

// Follows what of a store is the registry's, in one watch or several, as one stream of StoreEvents.
// It is in step (Synced) only while every part is, and away (Outage) while any is.
//
// Threading: the callback runs on the watches' threads, one call at a time. Lifetime: no callback
// after the destructor returned; the store must outlive it.
class RegistryWatch {
 public:
  struct Part {
    std::string prefix;
    std::string required;  // as KvStore::watch has it
  };

  using Callback = std::function<void(std::vector<StoreEvent>)>;

  // All below the prefix, in one watch.
  static std::vector<Part> whole(const std::string& prefix);
  // Docker's tree and vtepd's own, each with the key that Registry::prepare makes, the list of
  // Docker's hosts, and nothing else of a store that others use too.
  static std::vector<Part> trees(const std::string& prefix);

  static Result<std::unique_ptr<RegistryWatch>> start(KvStore& store, const std::string& prefix,
                                                      const std::vector<Part>& parts,
                                                      Callback callback);
  void refresh();
  // A key that was read besides the watches.
  void on_read(const KvEvent& event);

 private:
  struct Follower {
    std::string prefix;
    bool synced = false;
    bool away = false;
  };

  RegistryWatch(const std::string& prefix, Callback callback)
      : decoder_(prefix), callback_(std::move(callback)) {}

  void take(std::size_t part, const KvEvent& event);
  [[nodiscard]] bool all_synced() const;
  [[nodiscard]] bool any_away() const;

  std::mutex mutex_;
  RegistryDecoder decoder_;
  Callback callback_;
  std::vector<Follower> followers_;
  std::vector<std::unique_ptr<KvWatch>> watches_;  // the last member: their callbacks use the rest
};

}  // namespace vtepd
