// SPDX-License-Identifier: GPL-2.0-only
#include "registry/registry.h"
#include "unit/filestore/temp_store.h"

#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

Registry::Options options(const char* vtep) {
  Registry::Options options;
  options.vtep = *IpAddress::parse(vtep);
  options.owner = vtep;
  return options;
}

TEST(ConcurrentRegistry, EightThreadsOnTwoStoresGetDifferentAddresses) {
  TempDir dir;
  const auto first = must_open(dir.path() / "s");
  const auto second = must_open(dir.path() / "s");
  Registry here(*first, options("10.99.0.1"));
  Registry there(*second, options("10.99.0.2"));
  NetworkSpec spec;
  spec.name = "n";
  spec.subnets = {*IpPrefix::parse("10.0.0.0/24")};
  const auto network = here.create_network(spec);
  ASSERT_TRUE(network) << network.error().what;
  std::mutex mutex;
  std::set<std::string> addresses;
  std::vector<Endpoint> endpoints;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 4; ++k) {
        auto& registry = i % 2 == 0 ? here : there;
        const auto endpoint = registry.create_endpoint(*network, {});
        ASSERT_TRUE(endpoint) << endpoint.error().what;
        ASSERT_TRUE(registry.confirm_endpoint(*endpoint));
        const std::lock_guard guard(mutex);
        addresses.insert(endpoint->address4->to_string());
        endpoints.push_back(*endpoint);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(addresses.size(), 32U);
  threads.clear();
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (std::size_t k = i; k < endpoints.size(); k += 8) {
        const auto removed =
            (endpoints[k].owner == "10.99.0.1" ? here : there).remove_endpoint(endpoints[k]);
        EXPECT_TRUE(removed && *removed) << (removed ? "" : removed.error().what);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_TRUE(here.remove_network(network->id)) << "the count must be back at 0";
}

TEST(ConcurrentRegistry, NetworksGetDifferentVnisAndOneOfEachName) {
  TempDir dir;
  const auto first = must_open(dir.path() / "s");
  const auto second = must_open(dir.path() / "s");
  std::mutex mutex;
  std::multiset<std::uint32_t> vnis;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      Registry registry(i % 2 == 0 ? *first : *second, options("10.99.0.1"));
      NetworkSpec spec;
      spec.name = "n" + std::to_string(i / 2);
      spec.subnets = {*IpPrefix::parse("10." + std::to_string(i) + ".0.0/24")};
      if (const auto network = registry.create_network(spec)) {
        const std::lock_guard guard(mutex);
        vnis.insert(network->subnets[0].vni.value);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(vnis.size(), 4U) << "each name has exactly one winner";
  EXPECT_EQ(std::set<std::uint32_t>(vnis.begin(), vnis.end()).size(), 4U);
}

}  // namespace

}  // namespace vtepd::test
