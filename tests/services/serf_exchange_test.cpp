// SPDX-License-Identifier: GPL-2.0-only
// Two real agents, each the child of an adapter.
#include "serf_bed.h"

#include <atomic>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::HasSubstr;
using Kind = GossipNotice::Kind;

class Exchange : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(a_.ear->wait(Kind::Recovered)) << a_.ear->text();
    ASSERT_TRUE(b_.ear->wait(Kind::Recovered)) << b_.ear->text();
  }

  void join() const {
    const auto joined = b_.join(gossip_address(1));
    ASSERT_TRUE(joined.has_value()) << joined.error().what;
    EXPECT_EQ(*joined, 1u);
  }

  Node a_{child_options(1)};
  Node b_{child_options(2)};
};

TEST_F(Exchange, AnEventOfOneIsHeardByTheOther) {
  ASSERT_TRUE(a_.broadcast({"before", "x", false}));
  ASSERT_TRUE(a_.ear->wait(Kind::Event, "before")) << "the sender hears its own";
  join();

  ASSERT_TRUE(a_.broadcast({"jl now", "join", false}));
  ASSERT_TRUE(a_.broadcast({"jl later", "join", true}));

  const auto now = b_.ear->wait(Kind::Event, "jl now");
  ASSERT_TRUE(now) << b_.ear->text();
  EXPECT_EQ(now->payload, "join");
  EXPECT_GT(now->ltime, 0u);
  EXPECT_TRUE(b_.ear->wait(Kind::Event, "jl later")) << "the coalesced one";
  EXPECT_FALSE(b_.ear->heard([](const auto& n) { return n.name == "before"; }))
      << "an event from before the join was replayed";
}

TEST_F(Exchange, OfCoalescedEventsTheNewestIsHeard) {
  join();
  for (const char* payload : {"1", "2", "3"}) {
    ASSERT_TRUE(a_.broadcast({"jl same", payload, true}));
  }
  EXPECT_TRUE(b_.ear->wait([](const auto& n) { return n.name == "jl same" && n.payload == "3"; }))
      << b_.ear->text();
}

TEST_F(Exchange, AQueryIsAnsweredAndEnds) {
  join();
  ASSERT_TRUE(wait_until([&] { return a_.sees_alive(2); }, Seconds(20)));
  std::thread answerer([&] {
    const auto asked = b_.ear->wait(Kind::Query, "peerlookup");
    if (asked) {
      EXPECT_EQ(asked->payload, "who?");
      EXPECT_TRUE(b_.respond(asked->query, "me"));
    }
  });
  const auto answers = a_.query({"peerlookup", "who?", true, Milliseconds(3000)});
  answerer.join();
  ASSERT_TRUE(answers.has_value()) << answers.error().what;
  std::set<std::string> acks;
  std::vector<std::string> said;
  for (const auto& answer : *answers) {
    if (answer.ack) {
      acks.insert(answer.node);
    } else {
      said.push_back(answer.node + " " + answer.payload);
    }
  }
  EXPECT_EQ(acks, (std::set<std::string>{"node1", "node2"}));
  EXPECT_EQ(said, std::vector<std::string>{"node2 me"});
}

TEST_F(Exchange, AQueryThatNobodyAnswersEndsEmpty) {
  const auto answers = a_.query({"peerlookup", "who?", false, Milliseconds(300)});
  ASSERT_TRUE(answers.has_value()) << answers.error().what;
  EXPECT_TRUE(answers->empty());
  const auto asked = a_.ear->wait(Kind::Query, "peerlookup");
  ASSERT_TRUE(asked);
  const auto late = a_.respond(asked->query, "me");
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind, ErrorKind::NotFound) << late.error().what;
}

TEST_F(Exchange, MembersComeAndAreListed) {
  EXPECT_TRUE(a_.sees_alive(1));
  join();
  // The agent tells of those who come at about the same time in one notice.
  GossipMember came;
  ASSERT_TRUE(a_.ear->wait([&](const auto& notice) {
    for (const auto& member : notice.members) {
      came = notice.kind == Kind::MemberJoin && member.name == "node2" ? member : came;
    }
    return came.name == "node2";
  })) << a_.ear->text();
  EXPECT_EQ(came.address.to_string(), "127.0.0.2");
  EXPECT_EQ(came.port, 7946);
  EXPECT_EQ(came.status, "alive");
  EXPECT_TRUE(wait_until([&] { return a_.sees_alive(2) && b_.sees_alive(2); }, Seconds(20)));
}

TEST_F(Exchange, AJoinOfNobodySaysWhy) {
  const auto joined = a_.join("127.0.0.77:7946");
  ASSERT_FALSE(joined.has_value());
  EXPECT_THAT(joined.error().what, HasSubstr("connection refused"));
  EXPECT_TRUE(a_.broadcast({"still", "there", false}));
}

TEST_F(Exchange, AnEventOverTheLimitIsRefusedAndOneAtItIsNot) {
  const std::string name(140, 'n');
  const auto at_limit =
      a_.broadcast({name, std::string(GossipEvent::kMaxSize - name.size(), 'p'), false});
  EXPECT_TRUE(at_limit) << at_limit.error().what;
  const auto over =
      a_.broadcast({name, std::string(GossipEvent::kMaxSize - name.size() + 1, 'p'), false});
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().kind, ErrorKind::Invalid);
  EXPECT_THAT(over.error().what, HasSubstr("473 bytes, at most 472"));
  EXPECT_EQ(a_.gossip->counters().refused, 1u);
}

// The agent's own limit, which counts what it adds: the connection survives.
TEST_F(Exchange, AQueryOverTheAgentsLimitIsRefusedByTheAgent) {
  const auto answers = a_.query({"q", std::string(1000, 'p'), false, Milliseconds(100)});
  ASSERT_FALSE(answers.has_value());
  EXPECT_EQ(answers.error().kind, ErrorKind::Invalid) << answers.error().what;
  EXPECT_TRUE(a_.query({"q", std::string(500, 'p'), false, Milliseconds(100)}));
}

TEST_F(Exchange, ThousandsOfEventsAtOnceAreAllTaken) {
  constexpr int kEvents = 5000;
  std::atomic<int> taken = 0;
  for (int i = 0; i < kEvents; ++i) {
    a_.gossip->broadcast({"e" + std::to_string(i), "x", false},
                         [&](const Result<void>& done) { taken += done ? 1 : 0; });
  }
  EXPECT_TRUE(wait_until([&] { return taken == kEvents; }, Seconds(30))) << taken;
}

// The agent drops what does not fit into its queue of 512 without a word; what comes later is
// heard.
TEST_F(Exchange, ASubscriberThatSleepsDoesNotEndIt) {
  std::atomic<bool> asleep = true;
  std::atomic<bool> went_to_sleep = false;
  const auto sleeper = a_.gossip->subscribe([&](const GossipNotice& notice) {
    went_to_sleep = went_to_sleep || notice.kind == Kind::Event;
    while (notice.kind == Kind::Event && asleep) {
      sleep_for(Milliseconds(5));
    }
  });
  join();
  ASSERT_TRUE(b_.broadcast({"sleep", "", false}));
  ASSERT_TRUE(wait_until([&] { return went_to_sleep.load(); }, Seconds(20)));
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(b_.broadcast({"e" + std::to_string(i), "x", false}));
  }
  asleep = false;
  ASSERT_TRUE(wait_until(
      [&] {
        return b_.broadcast({"last", "", false}) &&
               a_.ear->wait(Kind::Event, "last", Milliseconds(500));
      },
      Seconds(30)));
  EXPECT_EQ(a_.gossip->counters().outages, 0u) << a_.ear->text();
}

TEST_F(Exchange, AnEndedSubscriptionIsQuiet) {
  ASSERT_TRUE(a_.broadcast({"first", "", false}));
  ASSERT_TRUE(a_.ear->wait(Kind::Event, "first"));
  a_.subscription.reset();
  const auto other = std::make_shared<Ear>();
  const auto second = a_.gossip->subscribe([other](const auto& notice) { other->hear(notice); });
  ASSERT_TRUE(other->wait(Kind::Recovered)) << "a new subscriber is told the state";
  ASSERT_TRUE(a_.broadcast({"second", "", false}));
  ASSERT_TRUE(other->wait(Kind::Event, "second"));
  EXPECT_FALSE(a_.ear->heard([](const auto& n) { return n.name == "second"; }));
}

}  // namespace
}  // namespace vtepd::test
