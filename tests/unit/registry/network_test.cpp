// SPDX-License-Identifier: GPL-2.0-only
#include "registry/bit_sequence.h"
#include "unit/registry/registry_fixture.h"

namespace vtepd::test {

namespace {

using registry::BitSequence;

TEST_F(RegistryTest, CreateWritesWhatDockerdWrites) {
  auto fixed = options();
  fixed.make_id = [] { return kNetworkId; };
  Registry registry(store_, fixed);

  const auto network = registry.create_network(spec("demonet", {"192.168.0.7/24"}));

  ASSERT_TRUE(network) << network.error().what;
  EXPECT_EQ(value(keys_.network(kNetworkId)), kLiveNetwork);
  EXPECT_EQ(value(keys_.overlay(kNetworkId)), kLiveOverlay);
  EXPECT_EQ(value(keys_.vnis()), kLiveVnis);
  EXPECT_EQ(value(keys_.pools("GlobalDefault")), kLivePools);
  EXPECT_EQ(value(keys_.endpoint_count(kNetworkId)), R"({"Count":0})");
  EXPECT_EQ(
      value(keys_.addresses("GlobalDefault/192.168.0.0/24")),
      R"({"id":"GlobalDefault/192.168.0.0/24","sequence":"AAAAAAAAAQAAAAAAAAAA/cAAAAAAAAAAAAAA)"
      R"(AQAAAAAAAAAAAAAABgAAAAEAAAAAAAAAAQ=="})");
  EXPECT_EQ(network->subnets[0].vni.value, 256U);
  EXPECT_EQ(network->subnets[0].pool.to_string(), "192.168.0.0/24");
  EXPECT_EQ(*registry.find_network("demonet"), *network);
  EXPECT_EQ(value("vtepd/v1/marker"), R"({"schema":1})");
}

TEST_F(RegistryTest, PrefixStandsInFrontOfEveryKey) {
  auto other = options();
  other.prefix = "site/a";
  Registry registry(store_, other);
  const auto network = registry.create_network(spec("n", {"10.0.0.0/24"}));
  ASSERT_TRUE(network);
  ASSERT_TRUE(registry.create_endpoint(*network, {}));
  for (const auto& [key, pair] : store_.pairs()) {
    EXPECT_TRUE(key.starts_with("site/a/")) << key;
  }
}

TEST_F(RegistryTest, Ipv6PoolIsWrittenAsDockerWritesIt) {
  const auto network = registry_.create_network(spec("six", {"fd00::5/64", "10.0.0.0/24"}));

  ASSERT_TRUE(network) << network.error().what;
  EXPECT_EQ(network->v6_pool->to_string(), "fd00::/64");
  const auto bits = registry::decode_bits("", value(keys_.addresses("GlobalDefault/fd00::/64")));
  ASSERT_TRUE(bits);
  EXPECT_EQ(bits->bits.bits(), ~std::uint64_t{0});
  EXPECT_TRUE(bits->bits.test(0) && bits->bits.test(1));
  EXPECT_EQ(bits->bits.unselected(), ~std::uint64_t{0} - 2);
  EXPECT_NE(value(keys_.pools("GlobalDefault")).find("GlobalDefault/fd00::/64"), std::string::npos);
}

TEST_F(RegistryTest, CreateRefusesBadRequests) {
  const auto refuse = [&](NetworkSpec bad) {
    const auto made = registry_.create_network(bad);
    EXPECT_FALSE(made) << bad.name;
    EXPECT_EQ(made.error().kind, ErrorKind::Invalid) << made.error().what;
  };
  refuse(spec("", {"10.0.0.0/24"}));
  refuse(spec("a/b", {"10.0.0.0/24"}));
  refuse(spec("a\nb", {"10.0.0.0/24"}));
  refuse(spec(std::string(256, 'x'), {"10.0.0.0/24"}));
  refuse(spec("n", {}));
  refuse(spec("n", {"10.0.0.0/24", "10.1.0.0/24"}));
  refuse(spec("n", {"fd00::/64"}));
  refuse(spec("n", {"10.0.0.0/24", "fd00::/64", "fd01::/64"}));
  refuse(spec("n", {"10.0.0.0/7"}));
  refuse(spec("n", {"10.0.0.0/31"}));
  refuse(spec("n", {"10.0.0.0/24", "fd00::/127"}));
  refuse(spec("n", {"224.0.0.0/24"}));
  for (const std::uint32_t mtu : {1U, 67U, 65486U}) {
    auto bad = spec("n", {"10.0.0.0/24"});
    bad.container_mtu = mtu;
    refuse(bad);
  }
  auto six = spec("n", {"10.0.0.0/24", "fd00::/64"});
  six.container_mtu = 1279;
  refuse(six);
  auto reserved = spec("n", {"10.0.0.0/24"});
  reserved.vni = Vni{16777215};
  refuse(reserved);
  // A refusal leaves nothing but the marker and an empty trace of its keys' parents.
  for (const auto& [key, pair] : store_.pairs()) {
    EXPECT_TRUE(key == keys_.marker() || key == keys_.pools("GlobalDefault")) << key;
  }
}

TEST_F(RegistryTest, MtuIsStoredAsDockerKeepsIt) {
  auto jumbo = spec("jumbo", {"10.0.0.0/24"});
  jumbo.container_mtu = 8950;
  const auto network = registry_.create_network(jumbo);
  ASSERT_TRUE(network);
  EXPECT_EQ(network->mtu(), 8950U);
  EXPECT_EQ(network->underlay_mtu, 9000U);
  EXPECT_EQ(registry_.find_network("jumbo")->underlay_mtu, 9000U);
}

TEST_F(RegistryTest, NamesAreUnique) {
  must_create("n", "10.0.0.0/24");
  EXPECT_FAILS(registry_.create_network(spec("n", {"10.1.0.0/24"})), Conflict, "'n'");
}

TEST_F(RegistryTest, PoolsOfOneAddressSpaceDoNotOverlap) {
  must_create("n", "10.0.0.0/16");
  EXPECT_FAILS(registry_.create_network(spec("m", {"10.0.7.0/24"})), Conflict,
               "10.0.0.0/16 of network 'n'");
  auto elsewhere = spec("m", {"10.0.0.0/16"});
  elsewhere.address_space = "other";
  const auto network = registry_.create_network(elsewhere);
  ASSERT_TRUE(network) << network.error().what;
  EXPECT_EQ(network->subnets[0].vni.value, 257U);
  EXPECT_EQ(registry_.find_network("m")->address_space, "other");
  EXPECT_NE(value(keys_.pools("other")), "(missing)");
}

TEST_F(RegistryTest, WantedVniIsTakenOnce) {
  auto wanted = spec("n", {"10.0.0.0/24"});
  wanted.vni = Vni{4000};
  ASSERT_TRUE(registry_.create_network(wanted));
  wanted = spec("m", {"10.1.0.0/24"});
  wanted.vni = Vni{4000};
  EXPECT_FAILS(registry_.create_network(wanted), Conflict, "network 'n'");
  EXPECT_EQ(must_create("k", "10.1.0.0/24").subnets[0].vni.value, 256U);
}

TEST_F(RegistryTest, VniWithoutABitIsUniqueToo) {
  auto wanted = spec("n", {"10.0.0.0/24"});
  wanted.vni = Vni{42};
  const auto network = registry_.create_network(wanted);
  ASSERT_TRUE(network);
  wanted = spec("m", {"10.1.0.0/24"});
  wanted.vni = Vni{42};
  EXPECT_FAILS(registry_.create_network(wanted), Conflict, "network 'n'");
  ASSERT_TRUE(registry_.remove_network(network->id));
  EXPECT_TRUE(registry_.create_network(wanted));
}

TEST_F(RegistryTest, NumberOfVnisComesFromTheStore) {
  BitSequence small(745);
  for (std::uint64_t i = 0; i < 744; ++i) {
    small.set(i);
  }
  put(keys_.vnis(), registry::encode_bits({"vxlan-id", small}));
  auto beyond = spec("n", {"10.0.0.0/24"});
  beyond.vni = Vni{1001};
  EXPECT_FAILS(registry_.create_network(beyond), Invalid, "256 to 1000");
  EXPECT_EQ(must_create("n", "10.0.0.0/24").subnets[0].vni.value, 1000U);
  EXPECT_FAILS(registry_.create_network(spec("m", {"10.1.0.0/24"})), Exhausted, "VNI");
}

TEST_F(RegistryTest, RaceForANameHasOneWinner) {
  FaultyStore faulty(store_);
  Registry slow(faulty, options());
  int writes = 0;
  std::function<void(const std::string&)> step = [&](const std::string& key) {
    if (key.starts_with(keys_.networks())) {
      must_create("n", "10.9.0.0/24");
    } else {
      ++writes;
      faulty.before_write = step;
    }
  };
  faulty.before_write = step;

  EXPECT_FAILS(slow.create_network(spec("n", {"10.0.0.0/24"})), Conflict, "'n'");

  EXPECT_EQ(registry_.list_networks()->size(), 1U);
  EXPECT_EQ(value(keys_.addresses("GlobalDefault/10.0.0.0/24")), "(missing)");
  must_create("m", "10.0.0.0/24");
}

// Killed after any number of writes: what is left must not keep the network from being made under
// another name, nor one of the VNIs from being given twice.
TEST_F(RegistryTest, FailedCreateTakesItsWritesBack) {
  for (int after = 1; after < 8; ++after) {
    MemoryStore data;
    FaultyStore faulty(data);
    Registry registry(faulty, options());
    faulty.before_write = [&](const std::string&) {};
    const std::string blocked = registry::Keys("").network(
        std::string(64 - std::to_string(ids_ + 1).size(), 'e') + std::to_string(ids_ + 1));
    ASSERT_TRUE(*data.put(blocked, "", 0, nullptr));  // the last write fails

    const auto made = registry.create_network(spec("n", {"10.0.0.0/24", "fd00::/64"}));

    ASSERT_FALSE(made);
    EXPECT_TRUE(registry.create_network(spec("m", {"10.0.0.0/24", "fd00::/64"})));
    EXPECT_EQ(registry.find_network("m")->subnets[0].vni.value, 256U);
  }
}

TEST_F(RegistryTest, ListSkipsWhatIsMalformed) {
  const auto bad = must_create("bad", "10.0.0.0/24");
  must_create("good", "10.1.0.0/24");
  put(keys_.overlay(bad.id), "{");
  put(keys_.network(kNetworkId), "nonsense");
  put(keys_.networks(), "");

  const auto networks = registry_.list_networks();

  ASSERT_TRUE(networks);
  ASSERT_EQ(networks->size(), 1U);
  EXPECT_EQ(networks->front().name, "good");
}

TEST_F(RegistryTest, FindsByNameIdAndUniqueIdPrefix) {
  put(keys_.network(kNetworkId), kLiveNetwork);
  put(keys_.overlay(kNetworkId), kLiveOverlay);
  EXPECT_TRUE(registry_.find_network("demonet"));
  EXPECT_TRUE(registry_.find_network(kNetworkId));
  EXPECT_TRUE(registry_.find_network(kNetworkId.substr(0, 8)));
  EXPECT_FAILS(registry_.find_network(kNetworkId.substr(0, 7)), NotFound, "aaaaaaa");
  auto twin = kLiveNetwork;
  const auto other = std::string(63, 'a') + "9";
  twin.replace(twin.find(kNetworkId), 64, other);
  put(keys_.network(other), twin);
  put(keys_.overlay(other), kLiveOverlay);
  EXPECT_FAILS(registry_.find_network("demonet"), Conflict, "2 networks");
  EXPECT_FAILS(registry_.find_network(kNetworkId.substr(0, 8)), Conflict, "2 networks");
}

// Byte for byte what the steps leave when dockerd does them.
TEST_F(RegistryTest, RemoveLeavesWhatDockerLeaves) {
  const auto alone = must_create("alone", "10.0.0.0/24");
  ASSERT_TRUE(registry_.remove_network(alone.id));
  EXPECT_EQ(value(keys_.endpoints(alone.id)), "(missing)") << "on a store that Docker cannot share";
  auto shared = options();
  shared.with_docker = true;
  Registry registry(store_, shared);
  const auto network = registry.create_network(spec("n", {"10.0.0.0/24"}));
  ASSERT_TRUE(network);

  ASSERT_TRUE(registry.remove_network(network->id));

  EXPECT_EQ(value(keys_.endpoints(network->id)), "");
  EXPECT_EQ(value(keys_.pools("GlobalDefault")), R"({"Scope":"","Subnets":{}})");
}

TEST_F(RegistryTest, RemoveGivesEverythingBack) {
  const auto network = registry_.create_network(spec("n", {"10.0.0.0/24", "fd00::/64"}));
  ASSERT_TRUE(network);

  ASSERT_TRUE(registry_.remove_network(network->id));

  EXPECT_FAILS(registry_.remove_network(network->id), NotFound, "not in the store");
  EXPECT_EQ(value(keys_.pools("GlobalDefault")), R"({"Scope":"","Subnets":{}})");
  EXPECT_EQ(BitSequence::decode("AAAAAAD//wAAAAAAAP//AAAAAAAAAAAAAAf/+A==").value(),
            registry::decode_bits("", value(keys_.vnis()))->bits);
  for (const auto& [key, pair] : store_.pairs()) {
    EXPECT_TRUE(key == keys_.pools("GlobalDefault") || key == keys_.vnis() || key == keys_.marker())
        << key;
  }
}

TEST_F(RegistryTest, RemoveIsRefusedWhileEndpointsExist) {
  const auto network = must_create("n", "10.0.0.0/24");
  EndpointSpec web;
  web.name = "web1";
  const auto endpoint = must_attach(network, web);
  EXPECT_FAILS(registry_.remove_network(network.id), Conflict, "web1");
  ASSERT_TRUE(registry_.find_network("n"));
  EXPECT_NE(value(keys_.network(network.id)).find(R"("inDelete":false)"), std::string::npos);
  ASSERT_TRUE(registry_.remove_endpoint(endpoint));
  put(keys_.endpoint_count(network.id), R"({"Count":2})");
  EXPECT_FAILS(registry_.remove_network(network.id), Conflict, "2 endpoints");
  put(keys_.endpoint_count(network.id), R"({"Count":0})");
  EXPECT_TRUE(registry_.remove_network(network.id));
}

// Killed after each write in turn, with and without its answer; then repeated.
TEST_F(RegistryTest, RemoveCanBreakOffAnywhereAndBeRepeated) {
  for (int round = 1; round < 24; ++round) {
    MemoryStore data;
    Registry healthy(data, options());
    const auto network = *healthy.create_network(spec("n", {"10.0.0.0/24", "fd00::/64"}));
    FaultyStore faulty(data);
    faulty.writes_left = (round + 1) / 2;
    faulty.last_answer_lost = round % 2 == 0;
    static_cast<void>(Registry(faulty, options()).remove_network(network.id));

    if (data.pairs().contains(keys_.network(network.id))) {
      ASSERT_TRUE(healthy.find_network("n")) << round;
      const auto blocked = healthy.create_network(spec("m", {"10.0.0.0/24"}));
      EXPECT_FAILS(blocked, Conflict, "'n'");
      const auto removed = healthy.remove_network(network.id);
      ASSERT_TRUE(removed) << removed.error().what;
    }

    const auto again = healthy.create_network(spec("n", {"10.0.0.0/24", "fd00::/64"}));
    ASSERT_TRUE(again) << round << again.error().what;
    EXPECT_EQ(again->subnets[0].vni.value, 256U);
  }
}

TEST_F(RegistryTest, ResumedRemovalSparesWhatOthersTookMeanwhile) {
  const auto network = must_create("n", "10.0.0.0/24");
  FaultyStore faulty(store_);
  faulty.writes_left = 4;  // inDelete, pool, addresses, VNI
  ASSERT_FALSE(Registry(faulty, options()).remove_network(network.id));
  // A dockerd does not look at networks that are being removed.
  auto docker = kLiveNetwork;
  while (docker.find("192.168.0.") != std::string::npos) {
    docker.replace(docker.find("192.168.0."), 10, "10.0.0.");
  }
  put(keys_.network(kNetworkId), docker);
  put(keys_.overlay(kNetworkId),
      R"({"mtu":0,"secure":false,"subnets":[{"SubnetIP":"10.0.0.0/24","GwIP":"10.0.0.1/24","Vni":256}]})");
  put(keys_.vnis(), kLiveVnis);
  put(keys_.pools("GlobalDefault"),
      *registry::with_pool("", registry::empty_pools(), "GlobalDefault/10.0.0.0/24",
                           *IpPrefix::parse("10.0.0.0/24")));
  put(keys_.addresses("GlobalDefault/10.0.0.0/24"), kLiveAddresses);

  ASSERT_TRUE(registry_.remove_network(network.id));

  EXPECT_EQ(value(keys_.vnis()), kLiveVnis);
  EXPECT_NE(value(keys_.pools("GlobalDefault")).find("10.0.0.0/24"), std::string::npos);
  EXPECT_EQ(value(keys_.addresses("GlobalDefault/10.0.0.0/24")), kLiveAddresses);
}

TEST_F(RegistryTest, EnsureVniAllocatesOnlyWhereDockerHasNot) {
  auto unallocated = kLiveOverlay;
  unallocated.replace(unallocated.find("256"), 3, "0");
  put(keys_.network(kNetworkId), kLiveNetwork);
  put(keys_.overlay(kNetworkId), unallocated);
  const auto found = registry_.find_network("demonet");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->subnets[0].vni.value, 0U);

  const auto first = registry_.ensure_vni(*found);
  const auto second = registry_.ensure_vni(*found);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->subnets[0].vni.value, 256U);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(value(keys_.overlay(kNetworkId)), kLiveOverlay);
  EXPECT_EQ(value(keys_.vnis()), kLiveVnis);
}

}  // namespace

}  // namespace vtepd::test
