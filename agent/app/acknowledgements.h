// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/store_event.h"
#include "ports/control.h"
#include "runtime/event_loop.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// Both sides of `attach --wait`: whom a waiter here still waits for, and which requests of other
// hosts wait for their endpoint to reach our data path.
class Acknowledgements {
 public:
  using Finish = std::function<void(std::vector<AttachReply::Host> hosts, bool timed_out)>;

  // Waits for each host whose state is "missing" to acknowledge, at most until the timeout.
  void wait(EventLoop& loop, const std::string& endpoint_id, std::vector<AttachReply::Host> hosts,
            std::chrono::milliseconds timeout, Finish finish);
  void on_acked(const store_event::Acked& acked);

  void on_requested(const store_event::AckRequested& request);
  // Requests that may be answered now, by what `programmed(network, endpoint)` says; each is
  // returned once.
  std::vector<store_event::AckRequested> answerable(
      const std::function<bool(const std::string&, const std::string&)>& programmed);
  // The endpoint is gone; so is everybody's interest in it.
  void forget(const std::string& endpoint_id);

 private:
  struct Waiter {
    std::vector<AttachReply::Host> hosts;
    std::unique_ptr<EventLoop::Timer> timer;
    Finish finish;
  };

  void finish(const std::string& endpoint_id, bool timed_out);

  std::map<std::string, Waiter> waiters_;  // by endpoint
  // An acknowledgement may overtake the waiter's own bookkeeping.
  std::map<std::string, std::set<IpAddress>> early_;
  std::map<std::string, store_event::AckRequested> requests_;  // by endpoint
};

}  // namespace vtepd
