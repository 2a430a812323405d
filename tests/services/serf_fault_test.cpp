// SPDX-License-Identifier: GPL-2.0-only
// Agents that die, freeze, cannot start or lose their parent.
#include "serf_bed.h"
#include "support/netns.h"

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::test {
namespace {

using testing::HasSubstr;
using Kind = GossipNotice::Kind;

TEST(Found, AnAgentThatIsKilledAndStartedAgainIsFoundAgain) {
  FoundAgent agent(1, "sesame");
  const Node node(agent.options("sesame"));
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  node.ear->mark();

  agent.kill9();

  ASSERT_TRUE(node.ear->wait(Kind::Outage)) << node.ear->text();
  const auto refused = node.broadcast({"e", "", false});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::Unavailable);
  ASSERT_TRUE(node.ear->wait(Kind::Outage, "Connection refused")) << node.ear->text();
  EXPECT_EQ(node.gossip->counters().outages, 1u);
  agent.start();
  ASSERT_TRUE(node.ear->wait(Kind::Recovered, "", Seconds(10))) << node.ear->text();
  EXPECT_TRUE(node.broadcast({"e", "", false}));
}

TEST(Found, AFrozenAgentIsAnOutageUntilItGoesOn) {
  FoundAgent agent(1, "sesame");
  const Node node(agent.options("sesame"));
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  node.ear->mark();

  agent.process().freeze();

  const auto outage = node.ear->wait(Kind::Outage, "no answer to 'stats' within 1000 ms");
  ASSERT_TRUE(outage) << node.ear->text();
  EXPECT_FALSE(node.broadcast({"lost", "", false}).has_value());
  node.ear->mark();
  agent.process().thaw();
  ASSERT_TRUE(node.ear->wait(Kind::Recovered, "", Seconds(5))) << node.ear->text();
  ASSERT_TRUE(node.broadcast({"heard", "", false}));
  EXPECT_TRUE(node.ear->wait(Kind::Event, "heard")) << node.ear->text();
}

TEST(Found, WithAFrozenAgentRequestsAreBounded) {
  FoundAgent agent(1, "");
  auto options = agent.options("");
  options.timing.answer = Seconds(20);
  const Node node(options);
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  agent.process().freeze();
  std::atomic<std::size_t> exhausted = 0;
  std::atomic<std::size_t> well = 0;
  for (std::size_t i = 0; i < SerfGossip::kMaxRequests + 100; ++i) {
    node.gossip->broadcast({"e", std::string(400, 'x'), false}, [&](const Result<void>& done) {
      exhausted += !done && done.error().kind == ErrorKind::Exhausted ? 1U : 0U;
      well += done ? 1U : 0U;
    });
  }
  EXPECT_GE(exhausted, 90u);
  agent.process().thaw();
  EXPECT_TRUE(
      wait_until([&] { return exhausted + well == SerfGossip::kMaxRequests + 100; }, Seconds(40)))
      << well;
  EXPECT_TRUE(node.broadcast({"after", "", false}));
}

TEST(Child, OneThatIsKilledIsStartedAgainAndJoinsAgain) {
  const Node other(child_options(1));
  ASSERT_TRUE(other.ear->wait(Kind::Recovered)) << other.ear->text();
  auto options = child_options(2);
  options.join = {gossip_address(1)};
  const Node node(options);
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  ASSERT_TRUE(wait_until([&] { return node.sees_alive(2); }, Seconds(20)));
  const pid_t before = node.ear->child();
  node.ear->mark();

  ASSERT_EQ(kill(before, SIGKILL), 0);

  ASSERT_TRUE(node.ear->wait(Kind::Outage, "the serf agent ended by SIGKILL")) << node.ear->text();
  ASSERT_TRUE(node.ear->wait(Kind::Recovered, "", Seconds(5))) << node.ear->text();
  EXPECT_NE(node.ear->child(), before);
  ASSERT_TRUE(wait_until([&] { return node.sees_alive(2); }, Seconds(20))) << node.ear->text();
  ASSERT_TRUE(wait_until(
      [&] {
        return other.broadcast({"after", "", false}) &&
               node.ear->wait(Kind::Event, "after", Milliseconds(500));
      },
      Seconds(30)))
      << node.ear->text();
}

TEST(Child, OneThatStaysFrozenIsReplaced) {
  auto options = child_options(1);
  options.timing.hopeless = Seconds(3);
  const Node node(options);
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  const pid_t before = node.ear->child();
  node.ear->mark();
  ASSERT_EQ(kill(before, SIGSTOP), 0);
  ASSERT_TRUE(node.ear->wait(Kind::Outage, "no answer to")) << node.ear->text();
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  EXPECT_NE(node.ear->child(), before);
  EXPECT_TRUE(is_gone(before));
}

TEST(Child, OneThatIsFrozenForAMomentIsKept) {
  const Node node(child_options(1));
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  const pid_t before = node.ear->child();
  node.ear->mark();
  ASSERT_EQ(kill(before, SIGSTOP), 0);
  ASSERT_TRUE(node.ear->wait(Kind::Outage)) << node.ear->text();
  ASSERT_EQ(kill(before, SIGCONT), 0);
  ASSERT_TRUE(node.ear->wait(Kind::Recovered, "", Seconds(5))) << node.ear->text();
  EXPECT_EQ(node.ear->child(), before);
}

TEST(Child, APortThatIsTakenIsTheReasonUntilItIsFree) {
  auto first = std::make_unique<Node>(child_options(1));
  ASSERT_TRUE(first->ear->wait(Kind::Recovered)) << first->ear->text();
  auto options = child_options(1);
  options.child.config_path = lab_folder() + "/second.json";
  const Node second(options);
  ASSERT_TRUE(second.ear->wait(Kind::Outage, "address already in use")) << second.ear->text();
  first.reset();
  EXPECT_TRUE(second.ear->wait(Kind::Recovered)) << second.ear->text();
}

TEST(Child, AProgramThatIsNotThereIsTheReason) {
  auto options = child_options(1);
  options.child.program = "/nonexistent/serf";
  const Node node(options);
  EXPECT_TRUE(node.ear->wait(Kind::Outage, "cannot run /nonexistent/serf: No such file"))
      << node.ear->text();
}

TEST(Child, AFolderThatIsNotThereIsTheReason) {
  auto options = child_options(1);
  options.child.config_path = "/nonexistent/serf.json";
  const Node node(options);
  EXPECT_TRUE(node.ear->wait(Kind::Outage, "/nonexistent/serf.json")) << node.ear->text();
}

TEST(Child, EndsWithTheAdapter) {
  const auto options = child_options(1);
  pid_t child = 0;
  std::atomic<int> ended = 0;
  {
    const Node node(options);
    ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
    child = node.ear->child();
    EXPECT_FALSE(is_gone(child));
    node.gossip->query(
        {"q", "", false, Seconds(10)}, [](const GossipAnswer&) {},
        [&](const Result<void>& done) { ended += done ? 100 : 1; });
  }
  EXPECT_TRUE(is_gone(child));
  EXPECT_FALSE(std::filesystem::exists(options.child.config_path)) << "it holds keys";
  EXPECT_EQ(ended, 1) << "what was under way fails once";
}

TEST(Child, DiesWithAParentThatIsKilled) {
  Process parent({.argv = {"/proc/self/exe", "--parent", lab_folder()}}, lab_folder() + "/parent");
  pid_t child = 0;
  ASSERT_TRUE(wait_until(
      [&] {
        const auto said = parent.output();
        const auto at = said.find("child ");
        child = at == std::string::npos || said.back() != '\n' ? 0 : std::stoi(said.substr(at + 6));
        return child > 0;
      },
      Seconds(20)))
      << parent.output();
  ASSERT_FALSE(is_gone(child));
  parent.signal(SIGKILL);
  parent.wait(Seconds(10));
  EXPECT_TRUE(wait_until([&] { return is_gone(child); }, Seconds(10)));
}

}  // namespace
}  // namespace vtepd::test
