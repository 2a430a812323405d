// SPDX-License-Identifier: GPL-2.0-only
#include "api/json_codec.h"

#include "fake_control.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

// Every field takes part: what is written again from what was read is the same text.
template <typename T>
void expect_round_trip(const T& value) {
  const auto text = to_json(value);
  const auto back = from_json<T>(text);
  ASSERT_TRUE(back) << back.error().what << "\n" << text;
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(text.rfind("{\"schema\":1,", 0), 0U) << text;
}

TEST(JsonCodec, NetworkRoundTrip) {
  expect_round_trip(test::network_view());
  expect_round_trip(NetworkView{});
  expect_round_trip(std::vector<NetworkView>{test::network_view(), NetworkView{}});
}

TEST(JsonCodec, NetworkDocument) {
  EXPECT_EQ(to_json(test::network_view()),
            "{\"schema\":1,\"network\":{\"id\":\"" + std::string(64, 'a') +
                "\",\"name\":\"blue\",\"address_space\":\"GlobalDefault\",\"subnets\":[{\"pool\":"
                "\"10.1.0.0/24\",\"gateway\":\"10.1.0.1/24\",\"vni\":256}],\"v6_pool\":"
                "\"fd00:1::/64\",\"mtu\":1450,\"secure\":false,\"endpoints\":2}}\n");
}

TEST(JsonCodec, EndpointRoundTrip) {
  expect_round_trip(test::endpoint_view());
  expect_round_trip(EndpointView{});
  expect_round_trip(std::vector<EndpointView>{test::endpoint_view()});
}

TEST(JsonCodec, DifferencesAndRepairRoundTrip) {
  expect_round_trip(std::vector<DifferenceView>{
      {"count-off", "blue", std::string(64, 'a'), "endpoint_count", "7", "2", "why", "how"}, {}});
  RepairReply reply;
  reply.dry_run = true;
  reply.actions = {{"orphan", "blue", "id", "endpoint web", "here", "removed", "failed", "why"}};
  expect_round_trip(reply);
  expect_round_trip(RepairRequest{true, *IpAddress::parse("192.0.2.7"), true});
  const auto request = from_json<RepairRequest>("{}");
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->dry_run || request->host || request->leaked);
  EXPECT_FALSE(from_json<RepairRequest>("{\"hosts\":\"192.0.2.7\"}"));
}

TEST(JsonCodec, TableRoundTrips) {
  FdbView local;
  local.network = "blue";
  local.vni = Vni{256};
  local.device = "vtep12345678";
  local.endpoint = "web";
  FdbView remote = local;
  remote.vtep = *IpAddress::parse("192.0.2.9");
  remote.mac = *MacAddress::parse("02:42:0a:01:00:09");
  expect_round_trip(std::vector<FdbView>{local, remote});

  expect_round_trip(std::vector<NeighbourView>{
      {"blue", Vni{256}, *IpAddress::parse("10.1.0.2"), *MacAddress::parse("02:42:0a:01:00:02")},
      {"blue", Vni{256}, *IpAddress::parse("fd00::2"), *MacAddress::parse("02:42:0a:01:00:02")}});

  VtepView vtep;
  vtep.address = *IpAddress::parse("192.0.2.9");
  vtep.id = 3;
  vtep.reachable = true;
  vtep.next_hop = *IpAddress::parse("192.0.2.254");
  vtep.device = "eth0";
  vtep.mtu = 9000;
  vtep.host = "b";
  vtep.instance = "default";
  vtep.endpoints = 17;
  expect_round_trip(std::vector<VtepView>{vtep, VtepView{}});

  expect_round_trip(std::vector<DropView>{
      {"blue", Vni{256}, "BUM", "drop", "broadcast or multicast", "policy", 1ULL << 63U, 99}});
}

TEST(JsonCodec, StatusRoundTrip) {
  expect_round_trip(test::status_view());
  expect_round_trip(StatusView{});
}

TEST(JsonCodec, AttachReplyRoundTrip) {
  AttachReply reply{test::endpoint_view(), true, {}, true};
  reply.hosts = {{*IpAddress::parse("192.0.2.2"), "b", "acknowledged"},
                 {*IpAddress::parse("192.0.2.3"), "", "not-waited-for"}};
  expect_round_trip(reply);
}

TEST(JsonCodec, RequestRoundTrips) {
  NetworkSpec network;
  network.name = "blue";
  network.subnets = {*IpPrefix::parse("10.1.0.0/24"), *IpPrefix::parse("fd00:1::/64")};
  expect_round_trip(network);
  network.vni = Vni{42};
  network.container_mtu = 1400;
  network.address_space = "lab";
  expect_round_trip(network);

  AttachRequest attach;
  attach.network = "blue";
  attach.netns_path = "/run/netns/a";
  expect_round_trip(attach);
  attach.ifname = "eth7";
  attach.name = "web";
  attach.address4 = *IpAddress::parse("10.1.0.7");
  attach.address6 = *IpAddress::parse("fd00:1::7");
  attach.mac = *MacAddress::parse("02:00:00:00:00:07");
  attach.allowed_addresses = {*IpPrefix::parse("10.1.0.100/32")};
  attach.allowed_macs = {*MacAddress::parse("00:00:5e:00:01:01")};
  attach.source_check = false;
  attach.wait = std::chrono::seconds(10);
  expect_round_trip(attach);

  DetachRequest detach;
  detach.endpoint = "web";
  expect_round_trip(detach);
  detach = {"", "blue", "/run/netns/a", "eth0"};
  expect_round_trip(detach);
}

TEST(JsonCodec, ErrorRoundTrip) {
  const Error error{ErrorKind::Conflict, "network 'blue' exists"};
  EXPECT_EQ(to_json(error),
            "{\"schema\":1,\"error\":{\"kind\":\"conflict\",\"message\":\"network 'blue' "
            "exists\"}}\n");
  for (const auto kind :
       {ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Exhausted,
        ErrorKind::Unavailable, ErrorKind::Denied, ErrorKind::Internal}) {
    const auto back = from_json<Error>(to_json(Error{kind, "what"}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->kind, kind);
    EXPECT_EQ(back->what, "what");
  }
}

TEST(JsonCodec, RowsAreInOrderOfNetworkVniAndMac) {
  FdbView row;
  std::vector<FdbView> rows;
  for (const auto& [network, vni, mac] :
       {std::tuple{"red", 1U, "02:00:00:00:00:01"}, std::tuple{"blue", 9U, "02:00:00:00:00:01"},
        std::tuple{"blue", 3U, "02:00:00:00:00:09"}, std::tuple{"blue", 3U, "02:00:00:00:00:02"}}) {
    row.network = network;
    row.vni = Vni{vni};
    row.mac = *MacAddress::parse(mac);
    rows.push_back(row);
  }

  const auto sorted = from_json<std::vector<FdbView>>(to_json(rows));

  ASSERT_TRUE(sorted);
  std::string order;
  for (const auto& one : *sorted) {
    order += one.network + std::to_string(one.vni.value) + one.mac.to_string().substr(15) + " ";
  }
  EXPECT_EQ(order, "blue302 blue309 blue901 red101 ");
}

TEST(JsonCodec, TextThatIsNoUtf8IsMended) {
  auto view = test::network_view();
  view.name = "bl\xff";
  const auto back = from_json<NetworkView>(to_json(view));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->name, "bl\xef\xbf\xbd");
}

TEST(JsonCodec, AnswersOfOtherVersionsAreRead) {
  const auto more = from_json<std::vector<NeighbourView>>(
      R"({"schema":1,"new":[],"neigh":[{"network":"blue","colour":{"a":1}}]})");
  ASSERT_TRUE(more) << more.error().what;
  ASSERT_EQ(more->size(), 1U);
  EXPECT_EQ(more->front().network, "blue");

  const auto other = from_json<StatusView>(R"({"schema":2,"status":{}})");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().what, "field 'schema' is 2: this version knows schema 1");
}

TEST(JsonCodec, LeadingAndDeepTextIsIndentedForPeople) {
  EXPECT_EQ(*indented_json(R"({"schema":1,"a":[1]})"),
            "{\n  \"schema\": 1,\n  \"a\": [\n    1\n  ]\n}\n");
  EXPECT_FALSE(indented_json("nothing"));
}

struct BadRequest {
  const char* name;
  std::string body;
  std::string error;
};

class BadAttach : public testing::TestWithParam<BadRequest> {};

TEST_P(BadAttach, NamesFieldAndValue) {
  const auto request = from_json<AttachRequest>(GetParam().body);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().kind, ErrorKind::Invalid);
  EXPECT_EQ(request.error().what, GetParam().error);
}

std::string attach_with(const std::string& more) {
  return R"({"schema":1,"network":"blue","netns":"/run/netns/a",)" + more + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadAttach,
    testing::Values(
        BadRequest{"empty", "", "the body is no JSON, from byte 1 on"},
        BadRequest{"cut", R"({"network":)", "the body is no JSON, from byte 12 on"},
        BadRequest{"garbage", "\xff\xfe\n", "the body is no JSON, from byte 1 on"},
        BadRequest{"array", "[1,2]", "the body must be an object, not [1,2]"},
        BadRequest{"null", "null", "the body must be an object, not null"},
        BadRequest{"missing", R"({"schema":1})", "field 'network' is missing"},
        BadRequest{"no_netns", R"({"network":"blue"})", "field 'netns' is missing"},
        BadRequest{"empty_network", R"({"network":"","netns":"/a"})", "field 'network' is empty"},
        BadRequest{"relative", R"({"network":"blue","netns":"a"})",
                   "field 'netns' is \"a\": it must be an absolute path"},
        BadRequest{"schema", R"({"schema":7,"network":"blue","netns":"/a"})",
                   "field 'schema' is 7: this version knows schema 1"},
        BadRequest{"unknown", attach_with(R"("colour":1)"), "unknown field 'colour'"},
        BadRequest{"string", attach_with(R"("name":3)"), "field 'name' is 3: it must be a string"},
        BadRequest{"flag", attach_with(R"("source_check":"no")"),
                   "field 'source_check' is \"no\": it must be true or false"},
        BadRequest{"mac", attach_with(R"("mac":"02:42")"),
                   "field 'mac' is \"02:42\": '02:42' is not a MAC address (02:42:c0:a8:00:02)"},
        BadRequest{"address", attach_with(R"("address4":"10.0.0.300")"),
                   "field 'address4' is \"10.0.0.300\": '10.0.0.300' is not an IP address"},
        BadRequest{"v6_for_v4", attach_with(R"("address4":"fd00::1")"),
                   "field 'address4' is \"fd00::1\": it must be an IPv4 address"},
        BadRequest{"v4_for_v6", attach_with(R"("address6":"10.0.0.1")"),
                   "field 'address6' is \"10.0.0.1\": it must be an IPv6 address"},
        BadRequest{"list", attach_with(R"("allowed_macs":"x")"),
                   "field 'allowed_macs' is \"x\": it must be an array"},
        BadRequest{"list_item", attach_with(R"("allowed_addresses":["10.0.0.0/8","x"])"),
                   "field 'allowed_addresses[1]' is \"x\": 'x' is not an address with a prefix "
                   "length: there is no '/'"},
        BadRequest{"wait", attach_with(R"("wait_seconds":-1)"),
                   "field 'wait_seconds' is -1: it must be a whole number in 0 ... 86400"},
        BadRequest{"fraction", attach_with(R"("wait_seconds":1.5)"),
                   "field 'wait_seconds' is 1.5: it must be a whole number in 0 ... 86400"},
        BadRequest{"long_value", attach_with("\"wait_seconds\":\"" + std::string(100, 'x') + "\""),
                   "field 'wait_seconds' is \"" + std::string(63, 'x') +
                       "...: it must be a whole number in 0 ... 86400"},
        BadRequest{"deep", R"({"a":)" + std::string(1000, '[') + std::string(1000, ']') + "}",
                   "the body is nested deeper than 16 levels"},
        BadRequest{"huge_number", attach_with("\"wait_seconds\":1e999"),
                   "the body has a number that is out of range"}),
    [](const auto& test) { return test.param.name; });

TEST(JsonCodec, BadNetworkSpecIsRefused) {
  const auto error = [](const std::string& body) {
    const auto spec = from_json<NetworkSpec>(body);
    return spec ? "" : spec.error().what;
  };
  EXPECT_EQ(error(R"({"name":"blue"})"), "field 'subnets' is missing");
  EXPECT_EQ(error(R"({"name":"blue","subnets":[]})"), "field 'subnets' is empty");
  EXPECT_EQ(error(R"({"name":"","subnets":["10.0.0.0/8"]})"), "field 'name' is empty");
  EXPECT_EQ(error(R"({"name":"blue","subnets":["10.0.0.0/8"],"vni":0})"),
            "field 'vni' is 0: it must be a whole number in 1 ... 16777215");
  EXPECT_EQ(error(R"({"name":"blue","subnets":["10.0.0.0/8"],"vni":16777216})"),
            "field 'vni' is 16777216: it must be a whole number in 0 ... 16777215");
  EXPECT_EQ(error(R"({"name":"blue","subnets":["10.0.0.0/8"],"vni":null})"), "");
}

TEST(JsonCodec, DetachNamesOneWayOrTheOther) {
  const auto ok = [](const std::string& body) {
    return from_json<DetachRequest>(body).has_value();
  };
  EXPECT_TRUE(ok(R"({"endpoint":"web"})"));
  EXPECT_TRUE(ok(R"({"network":"blue","netns":"/run/netns/a"})"));
  EXPECT_FALSE(ok(R"({})"));
  EXPECT_FALSE(ok(R"({"network":"blue"})"));
  EXPECT_FALSE(ok(R"({"netns":"/a"})"));
  EXPECT_FALSE(ok(R"({"endpoint":"web","network":"blue"})"));
}

TEST(JsonCodec, GarbageAnswersAreErrors) {
  for (const std::string body :
       {"", "x", "{}", "[]", R"({"schema":1})", R"({"schema":1,"status":3})",
        R"({"schema":1,"status":{"health":"fine"}})", R"({"schema":1,"status":{"store":[]}})",
        R"({"schema":"1","status":{}})", R"({"schema":1,"status":{"problems":[1]}})",
        R"({"schema":1,"status":{"store":{"malformed_keys":{"a":1}}}})"}) {
    EXPECT_FALSE(from_json<StatusView>(body)) << body;
  }
}

}  // namespace
}  // namespace vtepd
