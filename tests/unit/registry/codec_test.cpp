// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"
#include "registry/ipam_codec.h"
#include "registry/keys.h"
#include "registry/network_codec.h"
#include "registry/own_codec.h"
#include "unit/registry/live_values.h"

#include <gtest/gtest.h>

namespace vtepd::registry {

namespace {

using namespace test;

IpPrefix prefix(const char* text) {
  return *IpPrefix::parse(text);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

NetworkDocument live_document() {
  NetworkDocument document;
  document.id = kNetworkId;
  document.name = "demonet";
  document.created = "2026-11-22T05:02:47.900332755Z";
  document.address_space = "GlobalDefault";
  document.v4 = {"GlobalDefault/192.168.0.0/24", prefix("192.168.0.0/24"),
                 prefix("192.168.0.1/24")};
  return document;
}

TEST(NetworkCodec, WritesTheBytesThatDockerdWrites) {
  EXPECT_EQ(encode_network(live_document()), kLiveNetwork);
}

TEST(NetworkCodec, ReadsWhatDockerdWrote) {
  const auto network = decode_network("k", kNetworkId, kLiveNetwork);

  ASSERT_TRUE(network) << network.error().what;
  EXPECT_EQ(network->name, "demonet");
  EXPECT_TRUE(network->is_overlay());
  EXPECT_FALSE(network->in_delete);
  ASSERT_EQ(network->v4.size(), 1U);
  EXPECT_EQ(network->v4[0].pool_id, "GlobalDefault/192.168.0.0/24");
  EXPECT_EQ(network->v4[0].gateway, prefix("192.168.0.1/24"));
  EXPECT_TRUE(network->v6.empty());
}

TEST(NetworkCodec, RoundTripsIpv6) {
  auto document = live_document();
  document.v6 = PoolRecord{"GlobalDefault/fd00::/64", prefix("fd00::/64"), prefix("fd00::1/64")};
  const auto text = encode_network(document);

  const auto network = decode_network("k", kNetworkId, text);

  ASSERT_TRUE(network) << network.error().what;
  ASSERT_EQ(network->v6.size(), 1U);
  EXPECT_EQ(network->v6[0].pool, prefix("fd00::/64"));
  EXPECT_NE(text.find(R"("enableIPv6":true)"), std::string::npos);
  EXPECT_NE(text.find(R"("com.docker.network.enable_ipv6":true)"), std::string::npos);
}

TEST(NetworkCodec, MarksDeletionAndChangesNothingElse) {
  const auto marked = with_in_delete("k", kLiveNetwork, true);
  ASSERT_TRUE(marked);
  EXPECT_EQ(*marked, replaced(kLiveNetwork, R"("inDelete":false)", R"("inDelete":true)"));
  EXPECT_EQ(*with_in_delete("k", *marked, false), kLiveNetwork);
}

TEST(NetworkCodec, NamesKeyAndFieldOfAMistake) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {replaced(kLiveNetwork, R"("enableIPv6":false,)", ""), "'enableIPv6' is missing"},
      {replaced(kLiveNetwork, R"("enableIPv6":false,)", R"("enableIPv6":"no",)"), "'enableIPv6'"},
      {replaced(kLiveNetwork, R"("name":"demonet")", R"("name":7)"), "'name' is not a string"},
      {replaced(kLiveNetwork, "aaa1", "aaa2"), "not the one of the key"},
      {replaced(kLiveNetwork, "192.168.0.1/24", "192.168.0.300/24"), "'Gateway'"},
      {replaced(kLiveNetwork, R"("inDelete":false)", R"("inDelete":0)"), "'inDelete'"},
      {"{", "not JSON"},
      {"[]", "not a JSON object"},
      {"", "not JSON"},
  };
  for (const auto& [text, message] : cases) {
    const auto network = decode_network("the/key/", kNetworkId, text);
    ASSERT_FALSE(network) << message;
    EXPECT_NE(network.error().what.find(message), std::string::npos) << network.error().what;
    EXPECT_TRUE(network.error().what.starts_with("the/key/")) << network.error().what;
  }
}

TEST(NetworkCodec, LeavesOtherDriversDataAlone) {
  const auto foreign = replaced(replaced(kLiveNetwork, R"("overlay")", R"("weave")"),
                                R"("ipamV4Info":"[{)", R"("ipamV4Info":"<<)");
  const auto network = decode_network("k", kNetworkId, foreign);
  ASSERT_TRUE(network);
  EXPECT_FALSE(network->is_overlay());
}

TEST(OverlayCodec, WritesAndReadsDockersBytes) {
  const auto overlay = decode_overlay("k", kLiveOverlay);

  ASSERT_TRUE(overlay);
  ASSERT_EQ(overlay->subnets.size(), 1U);
  EXPECT_EQ(overlay->subnets[0].vni.value, 256U);
  EXPECT_EQ(encode_overlay(*overlay), kLiveOverlay);
}

TEST(OverlayCodec, ReadsTheBareArrayOfOldDaemons) {
  const auto overlay =
      decode_overlay("k", R"([{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24","Vni":300,"New":1}])");
  ASSERT_TRUE(overlay);
  EXPECT_EQ(overlay->subnets[0].vni.value, 300U);
}

TEST(OverlayCodec, RefusesWhatIsWrong) {
  for (const char* text :
       {"{}", R"({"subnets":null})", R"({"subnets":[]})", R"({"subnets":[7]})", "[]", "7",
        R"({"mtu":"1500","subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24","Vni":1}]})",
        R"({"mtu":60,"subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24","Vni":1}]})",
        R"({"mtu":-1,"subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24","Vni":1}]})",
        R"({"subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24","Vni":16777216}]})",
        R"({"subnets":[{"SubnetIP":"10.0.0.0/33","GwIP":"10.0.0.1/24","Vni":1}]})",
        R"({"subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1","Vni":1}]})",
        R"({"subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24"}]})"}) {
    EXPECT_FALSE(decode_overlay("k", text)) << text;
  }
}

TEST(EndpointCodec, WritesTheBytesThatDockerdWrites) {
  EndpointDocument document;
  document.endpoint.id = kEndpointId;
  document.endpoint.name = "C0";
  document.endpoint.mac = *MacAddress::parse("02:42:c0:a8:00:64");
  document.endpoint.address4 = prefix("192.168.0.100/24");
  document.endpoint.vtep = *IpAddress::parse("10.99.0.2");
  document.endpoint.sandbox = kSandboxId;
  document.host_ifname = "vethc36d36a";
  document.pool4 = "GlobalDefault/192.168.0.0/24";
  document.aliases = {"8a4647f3a93f"};
  document.joined = true;

  EXPECT_EQ(encode_endpoint(document), kLiveEndpoint);

  document.joined = false;
  document.host_ifname = "";
  document.endpoint.sandbox = "";
  EXPECT_EQ(with_sandbox("k", encode_endpoint(document), kSandboxId, "vethc36d36a"), kLiveEndpoint);
}

TEST(EndpointCodec, ReadsWhatDockerdWrote) {
  const auto endpoint = decode_endpoint("k", kNetworkId, kEndpointId, kLiveEndpoint);

  ASSERT_TRUE(endpoint) << endpoint.error().what;
  EXPECT_EQ(endpoint->name, "C0");
  EXPECT_EQ(endpoint->mac.to_string(), "02:42:c0:a8:00:64");
  EXPECT_EQ(endpoint->address4, prefix("192.168.0.100/24"));
  EXPECT_FALSE(endpoint->address6);
  EXPECT_EQ(endpoint->vtep.to_string(), "10.99.0.2");
  EXPECT_TRUE(endpoint->active());
  EXPECT_TRUE(endpoint->owner.empty());
}

TEST(EndpointCodec, KeepsOwnerAndLeavingInItsOwnMember) {
  EndpointDocument document;
  document.endpoint.id = kEndpointId;
  document.endpoint.owner = "default@host";
  document.endpoint.mac = *MacAddress::parse("02:42:c0:a8:00:64");
  document.endpoint.sandbox = kSandboxId;
  const auto text = encode_endpoint(document);
  EXPECT_TRUE(text.ends_with(R"("virtualIP":"\u003cnil\u003e","vtepd":{"owner":"default@host"}})"));
  EXPECT_FALSE(endpoint_leaving("k", text)->has_value());

  const Leaving leaving{7, std::nullopt, 18446744073709551615U, 3};
  const auto going = with_leaving("k", text, leaving);

  ASSERT_TRUE(going);
  EXPECT_EQ(endpoint_leaving("k", *going)->value(), leaving);
  const auto endpoint = decode_endpoint("k", kNetworkId, kEndpointId, *going);
  ASSERT_TRUE(endpoint) << endpoint.error().what;
  EXPECT_EQ(endpoint->owner, "default@host");
  EXPECT_TRUE(endpoint->sandbox.empty());
}

TEST(EndpointCodec, NamesKeyAndFieldOfAMistake) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {replaced(kLiveEndpoint, "192.168.0.100/24", "192.168.0.100"), "'ep_iface.addr'"},
      {replaced(kLiveEndpoint, "192.168.0.100/24", "fd00::1/64"), "'ep_iface.addr'"},
      {replaced(kLiveEndpoint, "02:42:c0", "03:42:c0"), "'ep_iface.mac'"},
      {replaced(kLiveEndpoint, "02:42:c0", "zz:42:c0"), "'ep_iface.mac'"},
      {replaced(kLiveEndpoint, R"("dstPrefix":"eth",)", ""), "'ep_iface.dstPrefix' is missing"},
      {replaced(kLiveEndpoint, "10.99.0.2", "<nil>"), "'locator'"},
      {replaced(kLiveEndpoint, R"("name":"C0",)", ""), "'name' is missing"},
      {replaced(kLiveEndpoint, R"("sandbox":")", R"("sandbox":1,"x":")"), "'sandbox'"},
      {replaced(kLiveEndpoint, "bb2", "bb3"), "not the one of the key"},
      {replaced(kLiveEndpoint, R"("myAliases":[)", R"("myAliases":7,"x":[)"), "'myAliases'"},
      {replaced(kLiveEndpoint, R"("disableGatewayService":false)", R"("x":1)"), "'joinInfo."},
      {kLiveEndpoint.substr(0, kLiveEndpoint.size() - 1), "not a JSON object"},
      {"[]", "not a JSON object"},
      {"\xff", "not a JSON object"},
  };
  for (const auto& [text, message] : cases) {
    const auto endpoint = decode_endpoint("the/key/", kNetworkId, kEndpointId, text);
    ASSERT_FALSE(endpoint) << message;
    EXPECT_NE(endpoint.error().what.find(message), std::string::npos) << endpoint.error().what;
    EXPECT_TRUE(endpoint.error().what.starts_with("the/key/")) << endpoint.error().what;
  }
}

// As Go's encoding/json does, and every other reader of the same value here.
TEST(EndpointCodec, TakesTheLastOfMembersWithOneName) {
  const auto twice =
      replaced(kLiveEndpoint, R"("locator":)", R"("id":"x","locator":7,"sandbox":[],"locator":)");
  EXPECT_FALSE(decode_endpoint("k", kNetworkId, kEndpointId, twice)) << "the last id is another";

  const auto again = replaced(twice, R"("svcID":)", R"("id":")" + kEndpointId + R"(","svcID":)");
  const auto endpoint = decode_endpoint("k", kNetworkId, kEndpointId, again);
  ASSERT_TRUE(endpoint) << endpoint.error().what;
  EXPECT_EQ(endpoint->id, kEndpointId);
  EXPECT_EQ(endpoint->vtep.to_string(), "10.99.0.2");
  EXPECT_TRUE(endpoint->active());
}

TEST(EndpointCodec, ToleratesNullAndAbsentMembers) {
  for (const auto& rest : {std::string(), std::string(R"(,"ep_iface":null,"joinInfo":null)"),
                           std::string(R"(,"exposed_ports":null,"unknown":{"a":[1]})")}) {
    const auto endpoint = decode_endpoint(
        "k", kNetworkId, kEndpointId, R"({"id":")" + kEndpointId + R"(","name":"n")" + rest + "}");
    ASSERT_TRUE(endpoint) << endpoint.error().what;
    EXPECT_FALSE(endpoint->active());
  }
}

TEST(IpamCodec, WritesTheBytesThatDockerdWrites) {
  const auto pools =
      with_pool("k", empty_pools(), "GlobalDefault/192.168.0.0/24", prefix("192.168.0.0/24"));
  ASSERT_TRUE(pools);
  EXPECT_EQ(*pools, kLivePools);
  EXPECT_EQ(encode_bits(*decode_bits("k", kLiveVnis)), kLiveVnis);
  EXPECT_EQ(encode_bits(*decode_bits("k", kLiveAddresses)), kLiveAddresses);
  EXPECT_EQ(encode_count(1), kLiveCount);
  EXPECT_EQ(*decode_count("k", kLiveCount), 1U);
}

TEST(IpamCodec, CountsAPartOnItsPool) {
  const std::string value =
      R"({"Scope":"global","Subnets":{"G/10.0.0.0/24":{"ParentKey":{"AddressSpace":"","Subnet":"",)"
      R"("ChildSubnet":""},"Pool":"10.0.0.0/24","RefCount":2},"G/10.0.0.0/24/10.0.0.128/25":)"
      R"({"ParentKey":{"AddressSpace":"G","Subnet":"10.0.0.0/24","ChildSubnet":""},)"
      R"("Pool":"10.0.0.0/24","Range":{"End":255,"Start":128,"Sub":"10.0.0.128/25"},"RefCount":1}}})";

  const auto first = without_pool("k", value, "G/10.0.0.0/24/10.0.0.128/25");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->changed);
  EXPECT_FALSE(first->last_user);
  const auto second = without_pool("k", first->value, "G/10.0.0.0/24");
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->last_user);
  EXPECT_EQ(second->value, R"({"Scope":"","Subnets":{}})");
  EXPECT_FALSE(without_pool("k", second->value, "G/10.0.0.0/24")->changed);
}

TEST(Keys, ParsesItsOwnAndNothingElse) {
  const Keys keys("p");
  using Kind = Keys::Parsed::Kind;
  EXPECT_EQ(keys.parse(keys.network("n")).kind, Kind::Network);
  EXPECT_EQ(keys.parse(keys.overlay("n")).network_id, "n");
  EXPECT_EQ(keys.parse(keys.endpoint("n", "e")).endpoint_id, "e");
  EXPECT_EQ(keys.parse(keys.ack_request("n", "e")).kind, Kind::AckRequest);
  EXPECT_EQ(keys.parse(keys.acks("n", "e") + "fd00::1").address, "fd00::1");
  EXPECT_EQ(keys.parse(keys.node(*IpAddress::parse("10.0.0.1"))).address, "10.0.0.1");
  for (const char* address : {"10.0.0.1", "fd00::1"}) {
    const auto key = keys.docker_node(*IpAddress::parse(address), 2376);
    EXPECT_EQ(keys.parse(key).kind, Kind::DockerNode);
    EXPECT_EQ(parse_docker_node(keys.parse(key).address)->to_string(), address) << key;
  }
  EXPECT_FALSE(parse_docker_node("10.0.0.1"));
  EXPECT_FALSE(parse_docker_node("host:2376"));
  EXPECT_EQ(keys.addresses("G/10.0.0.0/24/10.0.0.128/25"),
            "p/docker/network/v1.0/ipam/default/data/G/10.0.0.0/24/");
  for (const auto& key : {std::string("docker/network/v1.0/network/n/"), keys.networks(),
                          keys.endpoints("n"), keys.network("n") + "x", keys.docker_nodes(),
                          keys.acks("n", "e"), keys.vnis(), keys.marker(), std::string()}) {
    EXPECT_EQ(keys.parse(key).kind, Kind::Other) << key;
  }
}

TEST(PoolId, TellsAPartFromItsPool) {
  const auto whole = parse_pool_id("GlobalDefault/10.0.0.0/24");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->range, whole->pool);
  const auto part = parse_pool_id("G/10.0.0.0/24/10.0.0.128/25");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->range, prefix("10.0.0.128/25"));
  for (const char* text : {"", "G", "G/10.0.0.0", "/10.0.0.0/24", "G/10.0.0.0/24/x/25",
                           "G/10.0.0.0/24/10.1.0.0/25", "G/10.0.0.0/24/10.0.0.128/25/9"}) {
    EXPECT_FALSE(parse_pool_id(text)) << text;
  }
}

}  // namespace

}  // namespace vtepd::registry
