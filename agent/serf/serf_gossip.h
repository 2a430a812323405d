// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "ports/gossip.h"
#include "serf/options.h"
#include "serf/subscribers.h"

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vtepd {

namespace serf {
class Runner;
}

// Gossip by a real `serf agent` over its RPC: one that is found running, or one that this starts,
// watches, starts again and ends. Reconnects for ever; an agent that does not answer is an outage.
//
// Threading: any thread may call. A thread of its own serves the connections, starts the child and
// runs the callbacks. Destroying it ends the child and fails what is under way; subscriptions may
// outlive it.
class SerfGossip : public Gossip {
 public:
  static constexpr std::size_t kMaxRequests = 16384;  // under way

  static Result<std::unique_ptr<SerfGossip>> start(SerfOptions options);
  ~SerfGossip() override;
  SerfGossip(const SerfGossip&) = delete;
  SerfGossip& operator=(const SerfGossip&) = delete;

  void broadcast(const GossipEvent& event, Done done) override;
  void query(const GossipQuery& query, std::function<void(const GossipAnswer&)> answer,
             Done done) override;
  void respond(const GossipQueryId& query, const std::string& payload, Done done) override;
  void members(std::function<void(Result<std::vector<GossipMember>>)> done) override;
  void join(const std::vector<std::string>& addresses,
            std::function<void(Result<std::size_t>)> done) override;
  std::unique_ptr<GossipSubscription> subscribe(
      std::function<void(const GossipNotice&)> callback) override;
  [[nodiscard]] GossipCounters counters() const override;

 private:
  using Task = std::function<void(serf::Runner&)>;

  SerfGossip(SerfOptions options, UniqueFd wake);
  void post(Task task);
  void run();
  void drain();
  // The callback, counted as under way until it ran. Null, and the callback told, if there are too
  // many.
  template <typename T>
  std::function<void(T)> admit(std::size_t requests, std::function<void(T)> done);
  template <typename T>
  void refuse(const std::function<void(T)>& done, ErrorKind kind, std::string why);

  UniqueFd wake_;
  std::shared_ptr<serf::Subscribers> subscribers_ = std::make_shared<serf::Subscribers>();
  serf::Counters counters_;
  std::atomic<std::size_t> under_way_ = 0;
  std::unique_ptr<serf::Runner> runner_;  // its own thread's after the start
  std::mutex mutex_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vtepd
