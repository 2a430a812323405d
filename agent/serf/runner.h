// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/gossip.h"
#include "runtime/backoff.h"
#include "serf/agent_process.h"
#include "serf/link.h"
#include "serf/options.h"
#include "serf/subscribers.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vtepd::serf {

// What SerfGossip's thread does and owns: the child, the connections, the state. A connection
// answers its requests in order, and a join may take long, so joins have a connection of their own.
class Runner {
 public:
  Runner(SerfOptions options, std::shared_ptr<Subscribers> subscribers, Counters& counters);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Does what is due, then waits for the descriptor, the agent or the next deadline.
  void round(int wake_fd);
  // From here on every request fails.
  void shut_down();

  void broadcast(const GossipEvent& event, const Gossip::Done& done);
  void query(const GossipQuery& query, std::function<void(const GossipAnswer&)> answer,
             const Gossip::Done& done);
  void respond(const GossipQueryId& query, const std::string& payload, const Gossip::Done& done);
  void members(const std::function<void(Result<std::vector<GossipMember>>)>& done);
  void join(const std::vector<std::string>& addresses,
            const std::function<void(Result<std::size_t>)>& done);
  void greet();

 private:
  struct Tally;

  void do_what_is_due(Clock::time_point now);
  [[nodiscard]] int wait_time(Clock::time_point now) const;  // milliseconds
  void start_child(Clock::time_point now);
  void child_ended(const std::string& how, Clock::time_point now);
  void connect(Clock::time_point now);
  void listen(Clock::time_point now);
  Result<bool> take_record(const std::string& body);
  void became_ready();
  void lost(const Error& error, Clock::time_point now);
  void beat(Clock::time_point now);
  void set_outage(const Error& error);
  void on_malformed(const Error& error);
  [[nodiscard]] bool usable(const Gossip::Done& done) const;
  Result<Link*> join_link(Clock::time_point now);
  [[nodiscard]] Link::Options link_options();
  [[nodiscard]] bool starting(Clock::time_point now) const;

  SerfOptions options_;
  std::shared_ptr<Subscribers> subscribers_;
  Counters& counters_;
  RpcAddress rpc_;
  std::string key_;
  std::unique_ptr<AgentProcess> child_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<Link> join_link_;
  std::uint64_t connection_ = 0;  // number of link_
  bool ready_ = false;
  bool heard_child_ = false;  // the child that runs was ready once
  bool shut_down_ = false;
  Error outage_;  // while not ready
  Backoff connect_backoff_;
  Backoff start_backoff_;
  Clock::time_point connect_at_;
  Clock::time_point start_at_;
  Clock::time_point beat_at_;
  Clock::time_point join_at_;
  Clock::time_point started_at_;    // the child
  Clock::time_point silent_since_;  // while not ready: the loss, or the child's start
  std::size_t joins_ = 0;           // under way
};

}  // namespace vtepd::serf
