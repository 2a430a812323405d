// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "fakes/memory_store.h"
#include "registry/ipam_codec.h"
#include "registry/keys.h"
#include "registry/own_codec.h"
#include "registry/registry.h"
#include "unit/registry/faulty_store.h"
#include "unit/registry/live_values.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

// A registry over a store in memory, with ids and times that repeat.
class RegistryTest : public testing::Test {
 protected:
  Registry::Options options(const std::string& vtep = "10.99.0.2") {
    Registry::Options options;
    options.vtep = *IpAddress::parse(vtep);
    options.owner = "default@host" + vtep;
    options.make_id = [this] {
      const auto number = std::to_string(++ids_);
      return std::string(64 - number.size(), 'e') + number;
    };
    options.timestamp = [] { return "2026-11-22T05:02:47.900332755Z"; };
    options.settle = std::chrono::milliseconds(1);
    return options;
  }

  static NetworkSpec spec(const std::string& name, const std::vector<std::string>& subnets) {
    NetworkSpec spec;
    spec.name = name;
    for (const auto& subnet : subnets) {
      spec.subnets.push_back(*IpPrefix::parse(subnet));
    }
    return spec;
  }

  Network must_create(const std::string& name, const std::string& subnet) {
    auto network = registry_.create_network(spec(name, {subnet}));
    EXPECT_TRUE(network) << network.error().what;
    return network ? *network : Network{};
  }

  Endpoint must_attach(const Network& network, const EndpointSpec& endpoint = {}) {
    auto made = registry_.create_endpoint(network, endpoint);
    EXPECT_TRUE(made) << made.error().what;
    return made ? *made : Endpoint{};
  }

  std::string value(const std::string& key) {
    const auto pair = store_.get(key);
    return pair && *pair ? (*pair)->value : "(missing)";
  }

  bool taken(const std::string& pool_id, std::uint64_t ordinal) {
    const auto bits = registry::decode_bits("", value(keys_.addresses(pool_id)));
    return bits && bits->bits.test(ordinal);
  }

  void put(const std::string& key, const std::string& text) {
    const auto pair = store_.get(key);
    EXPECT_TRUE(*store_.put(key, text, *pair ? (*pair)->index : 0, nullptr));
  }

  int ids_ = 0;
  MemoryStore store_;
  registry::Keys keys_{""};
  Registry registry_{store_, options()};
};

#define EXPECT_FAILS(result, kind_, words)                                                \
  do {                                                                                    \
    const auto& failed = (result);                                                        \
    ASSERT_FALSE(failed);                                                                 \
    EXPECT_EQ(failed.error().kind, ErrorKind::kind_) << failed.error().what;              \
    EXPECT_NE(failed.error().what.find(words), std::string::npos) << failed.error().what; \
  } while (false)

}  // namespace vtepd::test
