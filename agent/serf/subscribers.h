// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/gossip.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace vtepd::serf {

// Who listens. Callbacks run one at a time on the thread that calls notify() and greet(); a
// subscriber hears nothing before greet() told it the state. Subscriptions may outlive the object.
class Subscribers : public std::enable_shared_from_this<Subscribers> {
 public:
  std::unique_ptr<GossipSubscription> add(std::function<void(const GossipNotice&)> callback);
  void notify(const GossipNotice& notice);
  void greet(const GossipNotice& state);  // those who are new

 private:
  class Subscription;

  struct Entry {
    std::function<void(const GossipNotice&)> callback;
    bool greeted = false;
  };

  void call(const GossipNotice& notice, bool greeted);

  // Recursive: a callback may end its own subscription.
  std::recursive_mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Entry>> entries_;
  std::uint64_t last_id_ = 0;
};

}  // namespace vtepd::serf
