// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "runtime/event_loop.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vtepd {

// Which networks' endpoints are read and followed in the store: those with an endpoint of this
// host, for as long as they have one and some time after, because containers come back.
//
// Threading: everything runs on the loop's thread.
class FollowedNetworks {
 public:
  using Ids = std::set<std::string>;
  using Then = std::function<void(const Result<void>&)>;

  struct Hands {
    std::function<bool(const std::string& network_id)> in_use;
    // Another set is to be followed.
    std::function<void(const Ids&)> follow;
  };

  FollowedNetworks(EventLoop& loop, Hands hands,
                   std::chrono::milliseconds linger = std::chrono::minutes(1));

  // What is followed from the start.
  void begin(const Ids& networks);
  // Calls back when the network was read: at once if it is known; with an error if it cannot be.
  void require(const std::string& network_id, Then then);
  void on_read(const std::string& network_id);
  // Those who wait are told.
  void on_store_away(const std::string& reason);
  // Lets go of networks that are out of use, in time. After endpoints went.
  void settle();

  [[nodiscard]] Ids ids() const;

  [[nodiscard]] bool has(const std::string& network_id) const {
    return networks_.contains(network_id);
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Followed {
    bool read = false;
    std::optional<Clock::time_point> idle;  // since when nobody uses it
    std::vector<Then> waiting;
  };

  void tell();

  Hands hands_;
  std::chrono::milliseconds linger_;
  std::map<std::string, Followed> networks_;
  std::unique_ptr<EventLoop::Timer> timer_;
};

}  // namespace vtepd
