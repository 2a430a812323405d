// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/gossip.h"

#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// A Gossip of one thread: every callback runs before the call returns. A test says what the cluster
// says, and reads what was sent into it.
class FakeGossip : public Gossip {
 public:
  // Goes away with a reason, or with none comes back.
  void set_outage(const std::string& reason) {
    outage_ = reason;
    GossipNotice notice;
    notice.kind = reason.empty() ? GossipNotice::Kind::Recovered : GossipNotice::Kind::Outage;
    notice.reason = reason;
    say(notice);
  }

  void say(const GossipNotice& notice) {
    const auto all = *callbacks_;
    for (const auto& callback : all) {
      callback(notice);
    }
  }

  void say_event(const std::string& name, const std::string& payload) {
    GossipNotice notice;
    notice.name = name;
    notice.payload = payload;
    say(notice);
  }

  // A question of another node; what is answered lands in `responses`.
  GossipQueryId say_query(const std::string& name, const std::string& payload) {
    GossipNotice notice;
    notice.kind = GossipNotice::Kind::Query;
    notice.name = name;
    notice.payload = payload;
    notice.query = {1, ++last_query_};
    say(notice);
    return notice.query;
  }

  std::vector<GossipEvent> events;                 // broadcast
  std::vector<GossipQuery> queries;                // asked
  std::map<std::uint64_t, std::string> responses;  // by query id
  std::vector<std::string> joined;
  // What the cluster gives back.
  std::map<std::string, std::vector<GossipAnswer>> answers;  // to a query of that payload
  std::vector<GossipMember> known_members;

  void broadcast(const GossipEvent& event, Done done) override {
    if (event.name.size() + event.payload.size() > GossipEvent::kMaxSize) {
      done(fail(ErrorKind::Invalid, "a user event is too long"));
    } else if (reached(done)) {
      events.push_back(event);
      done({});
    }
  }

  void query(const GossipQuery& query, std::function<void(const GossipAnswer&)> answer,
             Done done) override {
    if (reached(done)) {
      queries.push_back(query);
      for (const auto& each : answers[query.payload]) {
        answer(each);
      }
      done({});
    }
  }

  void respond(const GossipQueryId& query, const std::string& payload, Done done) override {
    if (reached(done)) {
      responses[query.id] = payload;
      done({});
    }
  }

  void members(std::function<void(Result<std::vector<GossipMember>>)> done) override {
    if (reached(done)) {
      done(known_members);
    }
  }

  void join(const std::vector<std::string>& addresses,
            std::function<void(Result<std::size_t>)> done) override {
    if (reached(done)) {
      joined.insert(joined.end(), addresses.begin(), addresses.end());
      done(addresses.size());
    }
  }

  std::unique_ptr<GossipSubscription> subscribe(
      std::function<void(const GossipNotice&)> callback) override {
    GossipNotice state;
    state.kind = outage_.empty() ? GossipNotice::Kind::Recovered : GossipNotice::Kind::Outage;
    state.reason = outage_;
    callback(state);
    callbacks_->push_back(std::move(callback));
    return std::make_unique<Subscription>(callbacks_, std::prev(callbacks_->end()));
  }

  [[nodiscard]] GossipCounters counters() const override { return {}; }

 private:
  using Callbacks = std::list<std::function<void(const GossipNotice&)>>;

  class Subscription : public GossipSubscription {
   public:
    Subscription(std::shared_ptr<Callbacks> all, Callbacks::iterator own)
        : all_(std::move(all)), own_(own) {}

    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    ~Subscription() override { all_->erase(own_); }

   private:
    std::shared_ptr<Callbacks> all_;
    Callbacks::iterator own_;
  };

  // True if it is there; else the request fails.
  template <typename Callback>
  bool reached(const Callback& done) const {
    if (!outage_.empty()) {
      done(fail(ErrorKind::Unavailable, outage_));
    }
    return outage_.empty();
  }

  std::string outage_;
  std::uint64_t last_query_ = 0;
  std::shared_ptr<Callbacks> callbacks_ = std::make_shared<Callbacks>();
};

}  // namespace vtepd
