// SPDX-License-Identifier: GPL-2.0-only
// The key of the RPC, and that of the gossip between agents: right, wrong and missing.
#include "serf_bed.h"
#include "support/netns.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = GossipNotice::Kind;

TEST(RpcKey, TheRightOneIsAccepted) {
  const FoundAgent agent(1, "sesame");
  const Node node(agent.options("sesame"));
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  EXPECT_TRUE(node.broadcast({"e", "", false}));
}

TEST(RpcKey, AnAgentWithoutOneNeedsNone) {
  const FoundAgent agent(1, "");
  const Node node(agent.options(""));
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  EXPECT_TRUE(node.broadcast({"e", "", false}));
}

TEST(RpcKey, AWrongOneIsAnOutageThatSaysSo) {
  const FoundAgent agent(1, "sesame");
  const Node node(agent.options("open"));
  const auto outage = node.ear->wait(Kind::Outage, "Invalid authentication token");
  ASSERT_TRUE(outage) << node.ear->text();
  EXPECT_THAT(outage->reason, HasSubstr("serf agent at 127.0.0.1:17374"));
  EXPECT_THAT(outage->reason, Not(HasSubstr("open")));
  const auto refused = node.broadcast({"e", "", false});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::Denied);
}

TEST(RpcKey, AMissingOneIsAnOutageThatSaysSo) {
  const FoundAgent agent(1, "sesame");
  const Node node(agent.options(""));
  EXPECT_TRUE(node.ear->wait(Kind::Outage, "Authentication required")) << node.ear->text();
  EXPECT_FALSE(node.members().has_value());
}

// Each time the second node joins the first.
Result<std::size_t> joined(const std::string& one, const std::string& other) {
  const Node a(child_options(1, one));
  const Node b(child_options(2, other));
  if (!a.ear->wait(Kind::Recovered) || !b.ear->wait(Kind::Recovered)) {
    return fail(ErrorKind::Internal, "an agent did not start: " + a.ear->text() + b.ear->text());
  }
  const auto result = b.join(gossip_address(1));
  if (result && !wait_until([&] { return a.sees_alive(2); }, Seconds(20))) {
    return fail(ErrorKind::Internal, "joined, and does not see it");
  }
  return result;
}

TEST(GossipKey, AgentsWithTheSameOneFormACluster) {
  const auto result = joined(kGossipKey, kGossipKey);
  EXPECT_TRUE(result.has_value()) << result.error().what;
}

TEST(GossipKey, AgentsWithDifferentOnesDoNot) {
  const auto result = joined(kGossipKey, kOtherKey);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::Unavailable) << result.error().what;
}

TEST(GossipKey, AnAgentWithoutOneStaysOutside) {
  const auto result = joined(kGossipKey, "");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::Unavailable) << result.error().what;
}

TEST(GossipKey, OneThatIsNoKeyIsNamedAsTheReason) {
  const Node node(child_options(1, "c2hvcnQ="));
  EXPECT_TRUE(node.ear->wait(Kind::Outage, "the serf agent ended")) << node.ear->text();
  EXPECT_TRUE(node.ear->wait(Kind::Outage, "key")) << node.ear->text();
}

TEST(Secrets, AreInAFileForTheOwnerAndNowhereElse) {
  const auto options = child_options(1, kGossipKey);
  const Node node(options);
  ASSERT_TRUE(node.ear->wait(Kind::Recovered)) << node.ear->text();
  const auto text = read_file(options.child.config_path);
  EXPECT_THAT(text, HasSubstr(kGossipKey));
  const auto at = text.find("\"rpc_auth\": \"");
  ASSERT_NE(at, std::string::npos);
  const auto rpc_key = text.substr(at + 13, 32);

  struct stat status {};

  ASSERT_EQ(stat(options.child.config_path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600u);
  const auto process = "/proc/" + std::to_string(node.ear->child());
  for (const auto& visible :
       {read_file(process + "/cmdline"), read_file(process + "/environ"), node.ear->log_text()}) {
    EXPECT_THAT(visible, Not(HasSubstr(kGossipKey)));
    EXPECT_THAT(visible, Not(HasSubstr(rpc_key)));
  }
  EXPECT_THAT(read_file(process + "/cmdline"), HasSubstr("-protocol=4"));
}

}  // namespace
}  // namespace vtepd::test
