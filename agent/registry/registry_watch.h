// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/store_event.h"
#include "ports/kv_store.h"
#include "registry/decoder.h"
#include "registry/keys.h"

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// Follows what of a store is the registry's, as one stream of StoreEvents. It is in step (Synced)
// only while every part that it watches is, and away (Outage) while any is.
//
// Threading: the callback runs on the watches' threads and on those of callers, one call at a time;
// follow() is called by one thread at a time. Lifetime: no callback after the destructor returned;
// the store must outlive it.
class RegistryWatch {
 public:
  // Everything: all below the prefix, in one watch. InUse, for a store that others use too and that
  // is read over a network: the list of networks, of Docker's hosts, vtepd's own keys; of networks
  // only those that are followed have their VNIs and endpoints read.
  enum class Reach { Everything, InUse };

  using Callback = std::function<void(std::vector<StoreEvent>)>;
  using NetworkIds = std::set<std::string>;

  static Result<std::unique_ptr<RegistryWatch>> start(KvStore& store, const std::string& prefix,
                                                      Reach reach, const NetworkIds& followed,
                                                      Callback callback);
  ~RegistryWatch();
  RegistryWatch(const RegistryWatch&) = delete;
  RegistryWatch& operator=(const RegistryWatch&) = delete;
  // From now on these networks, and no others. NetworkRead follows for each that is new; one that
  // is left out is gone, with its endpoints, as far as events tell. Blocks for some seconds at most
  // while a watch ends. Only with InUse.
  void follow(const NetworkIds& networks);
  void refresh();
  // A key that was read besides the watches.
  void on_read(const KvEvent& event);

 private:
  struct Part {
    KvScope scope;
    std::string network_id;  // empty: of none
    bool synced = false;
    bool away = false;
    bool ended = false;
    std::unique_ptr<KvWatch> watch;
  };

  RegistryWatch(KvStore& store, const std::string& prefix, Callback callback)
      : store_(store), keys_(prefix), decoder_(prefix), callback_(std::move(callback)) {}

  Result<void> begin(Part& part);
  [[nodiscard]] std::vector<KvScope> scopes_of(const std::string& network_id) const;
  void leave(const std::string& network_id);
  void take(Part& part, const KvEvent& event);
  [[nodiscard]] bool all_synced() const;
  [[nodiscard]] bool any_away() const;
  [[nodiscard]] bool is_read(const std::string& network_id) const;

  KvStore& store_;
  registry::Keys keys_;
  std::mutex mutex_;
  RegistryDecoder decoder_;
  Callback callback_;
  bool in_use_only_ = false;
  NetworkIds followed_;
  std::list<Part> parts_;
};

}  // namespace vtepd
