// SPDX-License-Identifier: GPL-2.0-only
#include "registry/network_codec.h"
#include "unit/registry/registry_fixture.h"

namespace vtepd::test {

namespace {

constexpr const char* kPool = "GlobalDefault/10.0.0.0/24";

EndpointSpec with_address(const char* address) {
  EndpointSpec spec;
  spec.address4 = *IpAddress::parse(address);
  return spec;
}

TEST_F(RegistryTest, EndpointTakesTheLowestFreeAddressAndIsCounted) {
  const auto network = must_create("n", "10.0.0.0/24");

  const auto first = must_attach(network);
  const auto second = must_attach(network);

  EXPECT_EQ(first.address4->to_string(), "10.0.0.2/24");
  EXPECT_EQ(second.address4->to_string(), "10.0.0.3/24");
  EXPECT_EQ(first.mac.to_string(), "02:42:0a:00:00:02");
  EXPECT_EQ(first.vtep.to_string(), "10.99.0.2");
  EXPECT_FALSE(first.active());
  EXPECT_EQ(value(keys_.endpoint_count(network.id)), R"({"Count":2})");
  EXPECT_TRUE(taken(kPool, 2) && taken(kPool, 3) && !taken(kPool, 4));
  EXPECT_EQ(registry_.list_endpoints(network.id)->size(), 2U);
}

TEST_F(RegistryTest, ActivationWritesSandboxAndInterface) {
  const auto network = must_create("n", "10.0.0.0/24");
  const auto endpoint = must_attach(network);
  EXPECT_FAILS(registry_.activate_endpoint(endpoint, "short", "vtep1"), Invalid, "64 hex");

  const auto active = registry_.activate_endpoint(endpoint, kSandboxId, "vtep12345678");

  ASSERT_TRUE(active) << active.error().what;
  EXPECT_TRUE(active->active());
  const auto text = value(keys_.endpoint(network.id, endpoint.id));
  EXPECT_NE(text.find(R"("srcName":"vtep12345678")"), std::string::npos);
  EXPECT_NE(text.find(R"("joinInfo":{"StaticRoutes":null,"disableGatewayService":false})"),
            std::string::npos);
  EXPECT_NE(text.find(R"("vtepd":{"owner":"default@host10.99.0.2"})"), std::string::npos);
  EXPECT_EQ(registry_.list_endpoints(network.id)->front(), *active);
  auto foreign = endpoint;
  foreign.owner = "other";
  EXPECT_FAILS(registry_.activate_endpoint(foreign, kSandboxId, "x"), Conflict, "not ours");
}

TEST_F(RegistryTest, WantedAddressMustBeUsableAndFree) {
  const auto network = must_create("n", "10.0.0.0/24");
  for (const char* bad : {"10.0.1.5", "10.0.0.0", "10.0.0.255", "10.0.0.1", "fd00::5"}) {
    EXPECT_FAILS(registry_.create_endpoint(network, with_address(bad)), Invalid, bad);
  }
  auto spec = with_address("10.0.0.77");
  spec.name = "holder";
  EXPECT_EQ(must_attach(network, spec).address4->to_string(), "10.0.0.77/24");
  EXPECT_FAILS(registry_.create_endpoint(network, with_address("10.0.0.77")), Conflict,
               "endpoint 'holder'");
  EXPECT_EQ(value(keys_.endpoint_count(network.id)), R"({"Count":1})");
}

TEST_F(RegistryTest, FullPoolIsNamedWithItsNetwork) {
  const auto network = must_create("tiny", "10.0.0.0/30");
  must_attach(network);
  EXPECT_FAILS(registry_.create_endpoint(network, {}), Exhausted, "network 'tiny'");
  EXPECT_FAILS(registry_.create_endpoint(network, {}), Exhausted, "10.0.0.0/30");
}

// vtepd makes no network of two IPv4 subnets, Docker does.
TEST_F(RegistryTest, FullSubnetIsPassedOver) {
  auto network = must_create("wide", "10.0.0.0/30");
  const auto second = must_create("second", "10.0.1.0/30");
  network.subnets.push_back(second.subnets.front());
  put(keys_.overlay(network.id), registry::encode_overlay({0, false, network.subnets}));
  ASSERT_EQ(registry_.find_network("wide")->subnets, network.subnets);

  EXPECT_EQ(must_attach(network).address4->to_string(), "10.0.0.2/30");
  const auto endpoint = must_attach(network);
  EXPECT_EQ(endpoint.address4->to_string(), "10.0.1.2/30");
  EXPECT_EQ(endpoint.mac, docker_mac(endpoint.address4->address));
  EXPECT_FAILS(registry_.create_endpoint(network, {}), Exhausted, "10.0.1.0/30");
  EXPECT_EQ(value(keys_.endpoint_count(network.id)), R"({"Count":2})");
  ASSERT_TRUE(*registry_.remove_endpoint(endpoint));
  EXPECT_FALSE(taken("GlobalDefault/10.0.1.0/30", 2));
}

TEST_F(RegistryTest, Ipv6AddressIsTakenOnlyWhenAsked) {
  const auto network = *registry_.create_network(spec("six", {"10.0.0.0/24", "fd00::/64"}));
  EXPECT_FALSE(must_attach(network).address6);
  EndpointSpec six;
  six.address6 = *IpAddress::parse("fd00::abcd:1");

  const auto endpoint = must_attach(network, six);

  EXPECT_EQ(endpoint.address6->to_string(), "fd00::abcd:1/64");
  EXPECT_TRUE(taken("GlobalDefault/fd00::/64", 0xabcd0001));
  EXPECT_FAILS(registry_.create_endpoint(network, six), Conflict, "taken");
  EXPECT_FALSE(taken(kPool, 4)) << "the IPv4 address of the failed attach must be free again";
  for (const char* bad : {"fd00::", "fd00::1", "fd01::5", "10.0.0.9"}) {
    six.address6 = *IpAddress::parse(bad);
    EXPECT_FAILS(registry_.create_endpoint(network, six), Invalid, bad);
  }
  ASSERT_TRUE(*registry_.remove_endpoint(endpoint));
  EXPECT_FALSE(taken("GlobalDefault/fd00::/64", 0xabcd0001));
  const auto plain = must_create("four", "10.1.0.0/24");
  EXPECT_FAILS(registry_.create_endpoint(plain, six), Invalid, "no IPv6");
}

TEST_F(RegistryTest, MacIsUniqueInItsNetwork) {
  const auto network = must_create("n", "10.0.0.0/24");
  EndpointSpec spec;
  spec.mac = *MacAddress::parse("02:00:00:00:00:01");
  must_attach(network, spec);
  EXPECT_FAILS(registry_.create_endpoint(network, spec), Conflict, "02:00:00:00:00:01");
  spec.mac = *MacAddress::parse("01:00:00:00:00:01");
  EXPECT_FAILS(registry_.create_endpoint(network, spec), Invalid, "unicast");
}

TEST_F(RegistryTest, RangeOfADockerPoolIsRespected) {
  auto network = kLiveNetwork;
  const std::string pool = R"(\"PoolID\":\"GlobalDefault/192.168.0.0/24)";
  network.insert(network.find(pool) + pool.size(), "/192.168.0.128/25");
  put(keys_.network(kNetworkId), network);
  put(keys_.overlay(kNetworkId), kLiveOverlay);
  put(keys_.addresses("GlobalDefault/192.168.0.0/24"), kLiveAddresses);

  const auto endpoint = must_attach(*registry_.find_network("demonet"));

  EXPECT_EQ(endpoint.address4->to_string(), "192.168.0.128/24");
}

TEST_F(RegistryTest, RemoveGivesBackAddressAndCountOnce) {
  const auto network = must_create("n", "10.0.0.0/24");
  const auto endpoint = must_attach(network);

  EXPECT_TRUE(*registry_.remove_endpoint(endpoint));

  EXPECT_FALSE(taken(kPool, 2));
  EXPECT_EQ(value(keys_.endpoint_count(network.id)), R"({"Count":0})");
  const auto next = must_attach(network);
  EXPECT_EQ(next.address4, endpoint.address4);
  EXPECT_FALSE(*registry_.remove_endpoint(endpoint));
  EXPECT_TRUE(taken(kPool, 2));
  EXPECT_EQ(value(keys_.endpoint_count(network.id)), R"({"Count":1})");
}

TEST_F(RegistryTest, RemoveLeavesForeignEndpointsAlone) {
  put(keys_.network(kNetworkId), kLiveNetwork);
  put(keys_.overlay(kNetworkId), kLiveOverlay);
  put(keys_.endpoint(kNetworkId, kEndpointId), kLiveEndpoint);
  const auto docker = registry_.list_endpoints(kNetworkId)->front();
  auto claimed = docker;
  claimed.owner = "default@host";
  EXPECT_FALSE(*registry_.remove_endpoint(claimed));
  claimed = docker;
  claimed.vtep = *IpAddress::parse("10.99.0.9");
  EXPECT_FALSE(*registry_.remove_endpoint(claimed));
  EXPECT_EQ(value(keys_.endpoint(kNetworkId, kEndpointId)), kLiveEndpoint);
}

// Killed after each write in turn, with and without its answer. Meanwhile others take the address,
// or come and go; then the removal is repeated, twice.
TEST_F(RegistryTest, RemoveCanBreakOffAnywhere) {
  for (int round = 0; round < 24; ++round) {
    MemoryStore data;
    Registry healthy(data, options());
    Registry other(data, options("10.99.0.3"));
    const auto network = *healthy.create_network(spec("n", {"10.0.0.0/24", "fd00::/64"}));
    EndpointSpec both = with_address("10.0.0.2");
    both.address6 = *IpAddress::parse("fd00::2");
    const auto endpoint = *healthy.create_endpoint(network, both);
    const auto bystander = *other.create_endpoint(network, {});
    FaultyStore faulty(data);
    faulty.writes_left = round / 4 + 1;
    faulty.last_answer_lost = round % 2 == 1;
    const bool busy = round / 2 % 2 == 1;

    const auto first = Registry(faulty, options()).remove_endpoint(endpoint);

    std::optional<Endpoint> newcomer;
    if (busy) {
      auto made = other.create_endpoint(network, both);
      if (made) {
        newcomer = *made;
      }
      const auto passing = *other.create_endpoint(network, {});
      EXPECT_TRUE(*other.remove_endpoint(passing));
    }
    for (int repeat = 0; repeat < 2; ++repeat) {
      const auto removed = healthy.remove_endpoint(endpoint);
      ASSERT_TRUE(removed) << round << removed.error().what;
    }

    const auto bits = [&](const char* pool) {
      return registry::decode_bits("", (*data.get(keys_.addresses(pool)))->value)->bits;
    };
    EXPECT_EQ(bits(kPool).test(2), newcomer.has_value()) << round;
    EXPECT_EQ(bits("GlobalDefault/fd00::/64").test(2), newcomer.has_value()) << round;
    EXPECT_TRUE(bits(kPool).test(3)) << round << " the bystander's";
    const auto count =
        registry::decode_count("", (*data.get(keys_.endpoint_count(network.id)))->value);
    EXPECT_EQ(*count, newcomer ? 2U : 1U) << round;
    EXPECT_EQ(other.list_endpoints(network.id)->size(), newcomer ? 2U : 1U) << round;
    static_cast<void>(first);
    static_cast<void>(bystander);
  }
}

TEST_F(RegistryTest, AttachLosesAgainstARemovalThatBegan) {
  const auto network = must_create("n", "10.0.0.0/24");
  FaultyStore faulty(store_);
  Registry slow(faulty, options("10.99.0.3"));
  std::function<void(const std::string&)> step = [&](const std::string& key) {
    if (key.starts_with(keys_.endpoints(network.id))) {
      EXPECT_TRUE(registry_.remove_network(network.id));
    } else {
      faulty.before_write = step;
    }
  };
  faulty.before_write = step;

  EXPECT_FALSE(slow.create_endpoint(network, {}));

  for (const auto& [key, pair] : store_.pairs()) {
    EXPECT_FALSE(key.starts_with(keys_.endpoints(network.id))) << key;
  }
}

TEST_F(RegistryTest, NodeKeyBelongsToOneInstance) {
  const auto session = *store_.create_session();
  const Node node{*IpAddress::parse("10.99.0.2"), "host-a", "default"};
  ASSERT_TRUE(registry_.publish_node(node, *session));
  EXPECT_TRUE(registry_.publish_node(node, *session)) << "its predecessor's key";
  auto other = node;
  other.host = "host-b";
  EXPECT_FAILS(registry_.publish_node(other, *session), Conflict, "'host-a'");
}

TEST_F(RegistryTest, AcknowledgementsAreWrittenOnlyWhileAsked) {
  const auto network = must_create("n", "10.0.0.0/24");
  const auto endpoint = must_attach(network);
  const auto vtep = *IpAddress::parse("10.99.0.3");
  const auto acks = keys_.acks(network.id, endpoint.id);
  ASSERT_TRUE(registry_.acknowledge(network.id, endpoint.id, "r1", vtep));
  EXPECT_TRUE(store_.list(acks)->empty());

  ASSERT_TRUE(registry_.request_ack(endpoint, "r2"));
  ASSERT_TRUE(registry_.acknowledge(network.id, endpoint.id, "r1", vtep));
  EXPECT_EQ(store_.list(acks)->size(), 1U);
  ASSERT_TRUE(registry_.acknowledge(network.id, endpoint.id, "r2", vtep));
  EXPECT_EQ(value(acks + "10.99.0.3"), R"({"revision":"r2"})");

  ASSERT_TRUE(registry_.clear_ack(network.id, endpoint.id));
  EXPECT_TRUE(store_.list(acks)->empty());
}

}  // namespace

}  // namespace vtepd::test
