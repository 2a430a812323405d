// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vtepd {

// A user event, which every node of the cluster hears, the sender too.
struct GossipEvent {
  // Name and payload together. Serf's limit is 512 bytes of the message that it makes of them, in
  // which up to 40 are its own.
  static constexpr std::size_t kMaxSize = 472;
  std::string name;
  std::string payload;
  // Receivers keep only the newest of one name and hear it some seconds later. Docker's are so.
  bool coalesce = true;
};

struct GossipQuery {
  static constexpr std::size_t kMaxSize = 1024;  // name and payload, and an answer's payload
  std::string name;
  std::string payload;
  bool request_ack = false;
  std::chrono::milliseconds timeout{0};  // 0: by the size of the cluster, 3.2 s and more
};

// What a node said to a query: an answer, or with request_ack that it heard the question.
struct GossipAnswer {
  std::string node;
  std::string payload;
  bool ack = false;
};

// Names a query that was heard, for respond(). Of no use once the agent's connection was renewed.
struct GossipQueryId {
  std::uint64_t connection = 0;
  std::uint64_t id = 0;
};

struct GossipMember {
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  std::string status;  // "alive", "leaving", "left", "failed" or "none"
};

// What a subscriber hears. After an outage anything may have been missed: read the store again and
// announce what is one's own. Events can be lost, repeated, reordered and replayed from the past.
struct GossipNotice {
  enum class Kind {
    Event,
    Query,
    MemberJoin,
    MemberLeave,
    MemberFailed,
    MemberUpdate,
    MemberReap,  // a member that failed or left is forgotten
    Outage,      // nothing is heard or sent, see reason
    Recovered    // also when the agent is reached for the first time
  };
  Kind kind = Kind::Event;
  std::string name;  // Event, Query
  std::string payload;
  std::uint64_t ltime = 0;            // the Lamport time of an event or query
  GossipQueryId query;                // Query
  std::vector<GossipMember> members;  // Member…
  std::string reason;                 // Outage: what is wrong, for a person
};

// How many … since the start.
struct GossipCounters {
  std::uint64_t malformed = 0;  // frames that were skipped, or ended a connection
  std::uint64_t outages = 0;
  std::uint64_t refused = 0;  // requests that did not fit in size or number
};

// Destroying it stops the callbacks: none runs after the destructor returned.
class GossipSubscription {
 public:
  virtual ~GossipSubscription() = default;
};

// Epidemic broadcast among the nodes of a cluster. No call blocks. Callbacks run on a thread of the
// adapter, one at a time; one that concerns a request runs exactly once, and before the call
// returns if the request is refused at once. They must not block, and hand over to the loop.
//
// Errors: Unavailable during an outage, with its reason; Invalid for what is too long; Exhausted if
// too many requests are under way; Denied if the agent does not accept the key.
class Gossip {
 public:
  using Done = std::function<void(Result<void>)>;

  virtual ~Gossip() = default;
  // Success: the agent took it.
  virtual void broadcast(const GossipEvent& event, Done done) = 0;
  // `answer` runs for each answer until `done`, which comes when the time of the query is over.
  virtual void query(const GossipQuery& query, std::function<void(const GossipAnswer&)> answer,
                     Done done) = 0;
  // Answers a query that was heard. NotFound: its time is over.
  virtual void respond(const GossipQueryId& query, const std::string& payload, Done done) = 0;
  virtual void members(std::function<void(Result<std::vector<GossipMember>>)> done) = 0;
  // Contacts nodes, "address" or "address:port" each; the old events of the cluster are not
  // replayed. Gives how many were reached; an error only if none was. May take 10 s for each.
  virtual void join(const std::vector<std::string>& addresses,
                    std::function<void(Result<std::size_t>)> done) = 0;
  // First tells whether there is an outage.
  virtual std::unique_ptr<GossipSubscription> subscribe(
      std::function<void(const GossipNotice&)> callback) = 0;
  [[nodiscard]] virtual GossipCounters counters() const = 0;
};

}  // namespace vtepd
