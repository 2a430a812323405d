// SPDX-License-Identifier: GPL-2.0-only
#include "api/router.h"

#include "api/json_codec.h"
#include "fake_control.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace vtepd {
namespace {

class Router : public testing::Test {
 protected:
  ApiAnswer call(const std::string& method, const std::string& target,
                 const std::string& body = "") {
    ApiAnswer got;
    int answers = 0;
    answer_request(control_, {method, target, body}, [&](const ApiAnswer& answer) {
      got = answer;
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return got;
  }

  test::FakeControl control_;
};

TEST_F(Router, ReadsAnswerWithTheirDocument) {
  EXPECT_EQ(call("GET", "/v1/status").body, to_json(test::status_view()));
  EXPECT_EQ(call("GET", "/v1/networks").body, to_json(std::vector{test::network_view()}));
  EXPECT_EQ(call("GET", "/v1/endpoints").body, to_json(std::vector{test::endpoint_view()}));
  EXPECT_EQ(call("GET", "/v1/fdb").body, "{\"schema\":1,\"fdb\":[]}\n");
  EXPECT_EQ(call("GET", "/v1/neigh").body, "{\"schema\":1,\"neigh\":[]}\n");
  EXPECT_EQ(call("GET", "/v1/vteps").body, "{\"schema\":1,\"vteps\":[]}\n");
  EXPECT_EQ(call("GET", "/v1/drops").body, "{\"schema\":1,\"drops\":[]}\n");
}

TEST_F(Router, NamesArePercentDecoded) {
  EXPECT_EQ(call("GET", "/v1/networks/a%20b%2fc").status, 200);
  EXPECT_EQ(control_.name, "a b/c");
  EXPECT_EQ(call("DELETE", "/v1/networks/red").body, to_json(test::network_view()));
  EXPECT_EQ(control_.name, "red");
}

TEST_F(Router, BadPercentEncodingIsRefused) {
  for (const std::string bad : {"%", "%4", "%zz", "%00", "a%+1"}) {
    EXPECT_EQ(call("GET", "/v1/networks/" + bad).status, 400) << bad;
  }
}

TEST_F(Router, NetworkIsCreated) {
  const auto answer =
      call("POST", "/v1/networks", R"({"name":"blue","subnets":["10.1.0.0/24"],"mtu":1400})");
  EXPECT_EQ(answer.status, 201);
  ASSERT_TRUE(control_.created);
  EXPECT_EQ(control_.created->container_mtu, 1400U);
}

TEST_F(Router, AttachSaysWhetherItMadeSomething) {
  const std::string body = R"({"network":"blue","netns":"/run/netns/a"})";
  EXPECT_EQ(call("POST", "/v1/endpoints", body).status, 201);
  control_.attach_reply.existed = true;
  EXPECT_EQ(call("POST", "/v1/endpoints", body).status, 200);
  EXPECT_EQ(control_.attached->netns_path, "/run/netns/a");
}

TEST_F(Router, DetachGoesBothWays) {
  EXPECT_EQ(call("DELETE", "/v1/endpoints/web").status, 200);
  EXPECT_EQ(control_.detached->endpoint, "web");
  EXPECT_EQ(
      call("POST", "/v1/endpoints/detach", R"({"network":"blue","netns":"/a","ifname":"eth1"})")
          .status,
      200);
  EXPECT_EQ(control_.detached->ifname, "eth1");
}

TEST_F(Router, UnknownPathsAreNotFound) {
  for (const std::string path :
       {"/", "/v1", "/v1/", "/v2/status", "/v1/status/", "/v1/statuses", "/v1/networks/",
        "/v1/networks/a/b", "/v1/status?x=1", "*", "", "/v1/../v1/status"}) {
    EXPECT_EQ(call("GET", path).status, 404) << path;
  }
}

TEST_F(Router, WrongMethodNamesTheRightOnes) {
  auto answer = call("PUT", "/v1/networks");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.allow, "GET, POST");
  EXPECT_EQ(from_json<Error>(answer.body)->what, "/v1/networks has GET, POST, not PUT");
  EXPECT_EQ(call("POST", "/v1/status", "{}").allow, "GET");
  EXPECT_EQ(call("HEAD", "/v1/status").status, 405);
}

TEST_F(Router, EveryKindOfErrorHasItsStatus) {
  for (const auto& [kind, status] :
       {std::pair{ErrorKind::Invalid, 400}, std::pair{ErrorKind::NotFound, 404},
        std::pair{ErrorKind::Conflict, 409}, std::pair{ErrorKind::Exhausted, 507},
        std::pair{ErrorKind::Unavailable, 503}, std::pair{ErrorKind::Denied, 403},
        std::pair{ErrorKind::Internal, 500}}) {
    control_.failure = Error{kind, "why"};
    for (const std::string path : {"/v1/networks", "/v1/networks/a", "/v1/endpoints", "/v1/fdb",
                                   "/v1/neigh", "/v1/vteps", "/v1/drops"}) {
      const auto answer = call("GET", path);
      EXPECT_EQ(answer.status, status) << path;
      EXPECT_EQ(answer.body, to_json(*control_.failure)) << path;
    }
    EXPECT_EQ(call("DELETE", "/v1/endpoints/a").status, status);
    EXPECT_EQ(call("POST", "/v1/endpoints", R"({"network":"b","netns":"/a"})").status, status);
  }
}

TEST_F(Router, BadBodiesDoNotReachControl) {
  EXPECT_EQ(call("POST", "/v1/networks", "{").status, 400);
  EXPECT_EQ(call("POST", "/v1/endpoints", "{}").status, 400);
  EXPECT_EQ(call("POST", "/v1/endpoints/detach", "[]").status, 400);
  EXPECT_FALSE(control_.created || control_.attached || control_.detached);
}

}  // namespace
}  // namespace vtepd
