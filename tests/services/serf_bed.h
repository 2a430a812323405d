// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "serf/serf_gossip.h"
#include "support/process.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vtepd::test {

// 32 bytes each, base64.
inline const std::string kGossipKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
inline const std::string kOtherKey = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

// What a SerfGossip's subscriber heard and its log said.
class Ear {
 public:
  using Test = std::function<bool(const GossipNotice&)>;

  void hear(const GossipNotice& notice);
  void log(const std::string& line);

  // The first notice from the mark on that the test likes.
  std::optional<GossipNotice> wait(const Test& test, Milliseconds deadline = Seconds(20));
  std::optional<GossipNotice> wait(GossipNotice::Kind kind, const std::string& name_or_reason = "",
                                   Milliseconds deadline = Seconds(20));
  [[nodiscard]] bool heard(const Test& test);
  void mark();  // forget what was heard until now
  [[nodiscard]] std::string log_text();
  [[nodiscard]] std::string text();  // for a failure message
  [[nodiscard]] pid_t child();       // pid of the agent started last, by the log; 0: none yet

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<GossipNotice> notices_;
  std::size_t mark_ = 0;
  std::vector<std::string> log_;
};

// A SerfGossip with an ear on it.
struct Node {
  explicit Node(SerfOptions options);

  std::shared_ptr<Ear> ear = std::make_shared<Ear>();
  std::unique_ptr<SerfGossip> gossip;
  std::unique_ptr<GossipSubscription> subscription;

  // The calls of the port, waited for.
  Result<void> broadcast(const GossipEvent& event) const;
  Result<std::size_t> join(const std::string& address) const;
  Result<std::vector<GossipMember>> members() const;
  Result<void> respond(const GossipQueryId& query, const std::string& payload) const;
  // The answers, acks among them, up to the end of the query.
  Result<std::vector<GossipAnswer>> query(const GossipQuery& query) const;
  [[nodiscard]] bool sees_alive(std::size_t members) const;
};

// Options of a node whose agent is a child, gossiping on 127.0.0.<number>:7946; short times.
SerfOptions child_options(int number, const std::string& encrypt_key = "");
std::string gossip_address(int number);  // "127.0.0.<number>:7946"

// A `serf agent` that the test runs itself.
class FoundAgent {
 public:
  FoundAgent(int number, const std::string& rpc_key);
  ~FoundAgent();
  FoundAgent(const FoundAgent&) = delete;
  FoundAgent& operator=(const FoundAgent&) = delete;

  [[nodiscard]] SerfOptions options(const std::string& key) const;

  [[nodiscard]] Process& process() { return *process_; }

  void start();
  void kill9();

 private:
  int number_;
  std::string config_;
  std::unique_ptr<Process> process_;
};

// True once the process is gone, or a zombie that nobody collects.
bool is_gone(pid_t pid);

}  // namespace vtepd::test
