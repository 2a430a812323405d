// SPDX-License-Identifier: GPL-2.0-only
// A new endpoint is written down before it takes anything, so that nothing is lost with a process
// that is killed on the way.
#include "unit/registry/registry_fixture.h"

namespace vtepd::test {
namespace {

constexpr const char* kPool = "GlobalDefault/10.0.0.0/24";
constexpr const char* kPool6 = "GlobalDefault/fd00::/64";

EndpointSpec both_addresses(const char* v4, const char* v6) {
  EndpointSpec spec;
  spec.address4 = *IpAddress::parse(v4);
  spec.address6 = *IpAddress::parse(v6);
  return spec;
}

class EndpointClaim : public RegistryTest {
 protected:
  EndpointClaim() : network_(*registry_.create_network(spec("n", {"10.0.0.0/24", "fd00::/64"}))) {}

  std::string count() { return value(keys_.endpoint_count(network_.id)); }

  // As the next start of the daemon does.
  void remove_orphans() {
    const auto endpoints = registry_.list_endpoints(network_.id);
    for (const auto& endpoint : *endpoints) {
      if (endpoint.vtep == *IpAddress::parse("10.99.0.2") && endpoint.name != "stays") {
        const auto removed = registry_.remove_endpoint(endpoint);
        EXPECT_TRUE(removed) << removed.error().what;
      }
    }
  }

  Network network_;
};

TEST_F(EndpointClaim, SaysWhatItTakesUntilItIsActive) {
  const auto endpoint = must_attach(network_, both_addresses("10.0.0.7", "fd00::7"));
  const auto key = keys_.endpoint(network_.id, endpoint.id);
  EXPECT_NE(value(key).find("taking"), std::string::npos);
  ASSERT_TRUE(registry_.activate_endpoint(endpoint, kSandboxId, "vtep12345678"));
  EXPECT_EQ(value(key).find("taking"), std::string::npos);
}

// Killed after each write in turn, with and without its answer; others come, go, or take the very
// address before the removal. A bystander's address and place stay.
TEST_F(EndpointClaim, CreationCanBreakOffAnywhere) {
  enum class Meanwhile { Nothing, OthersComeAndGo, SomebodyTakesTheAddress, Last };
  EndpointSpec stays;
  stays.name = "stays";
  must_attach(network_, stays);
  int broken_off = 0;
  for (int round = 0; round < 12 * static_cast<int>(Meanwhile::Last); ++round) {
    const auto meanwhile = static_cast<Meanwhile>(round / 12);
    FaultyStore faulty(store_);
    faulty.writes_left = round % 12 / 2 + 1;
    faulty.last_answer_lost = round % 2 == 1;
    const auto wanted = both_addresses("10.0.0.7", "fd00::7");

    const auto made = Registry(faulty, options()).create_endpoint(network_, wanted);

    broken_off += made ? 0 : 1;
    Registry other(store_, options("10.99.0.3"));
    std::optional<Endpoint> newcomer;
    if (meanwhile != Meanwhile::Nothing) {
      const auto passing = *other.create_endpoint(network_, {});
      EXPECT_TRUE(*other.remove_endpoint(passing));
    }
    if (meanwhile == Meanwhile::SomebodyTakesTheAddress) {
      if (auto taken = other.create_endpoint(network_, wanted)) {
        newcomer = *taken;
      }
    }
    remove_orphans();

    EXPECT_EQ(taken(kPool, 7), newcomer.has_value()) << round;
    EXPECT_EQ(taken(kPool6, 7), newcomer.has_value()) << round;
    EXPECT_TRUE(taken(kPool, 2)) << round << " the bystander's";
    EXPECT_EQ(count(), newcomer ? R"({"Count":2})" : R"({"Count":1})") << round;
    if (newcomer) {
      EXPECT_TRUE(*other.remove_endpoint(*newcomer));
    }
    EXPECT_EQ(registry_.list_endpoints(network_.id)->size(), 1U) << round;
  }
  EXPECT_GE(broken_off, 8 * static_cast<int>(Meanwhile::Last)) << "too few kills in the middle";
}

// Before the second read of the key another's write reaches the store.
class LateWrite : public FaultyStore {
 public:
  LateWrite(KvStore& data, std::string key, std::function<void()> write)
      : FaultyStore(data), key_(std::move(key)), write_(std::move(write)) {}

  Result<std::optional<KvPair>> get(const std::string& key) override {
    if (key == key_ && ++reads_ == 2) {
      write_();
    }
    return FaultyStore::get(key);
  }

 private:
  std::string key_;
  std::function<void()> write_;
  int reads_ = 0;
};

TEST_F(EndpointClaim, AWriteThatOutlivesItsSenderIsGivenBack) {
  must_attach(network_, both_addresses("10.0.0.9", "fd00::9"));  // and the marker
  const auto key = keys_.addresses(kPool);
  const auto before = value(key);
  FaultyStore dying(store_);
  dying.writes_left = 2;  // the marker, which is there, and the endpoint
  const auto made = Registry(dying, options()).create_endpoint(network_, {});
  ASSERT_FALSE(made);
  const auto endpoints = registry_.list_endpoints(network_.id);
  ASSERT_EQ(endpoints->size(), 2U);
  LateWrite late(store_, key, [&] {
    auto bits = *registry::decode_bits(key, before);
    bits.bits.set(2);
    put(key, registry::encode_bits(bits));
  });

  EXPECT_TRUE(*Registry(late, options()).remove_endpoint(endpoints->back()));

  EXPECT_EQ(value(key), before);
  EXPECT_EQ(count(), R"({"Count":1})");
}

TEST_F(EndpointClaim, ALostRaceChoosesAgain) {
  FaultyStore faulty(store_);
  Registry slow(faulty, options());
  Registry fast(store_, options("10.99.0.3"));
  int rivals = 0;
  std::function<void(const std::string&)> step = [&](const std::string& key) {
    if (key == keys_.addresses(kPool) || key == keys_.endpoint_count(network_.id)) {
      if (rivals < 2) {
        ++rivals;
        EXPECT_TRUE(fast.create_endpoint(network_, {}));
      }
    }
    faulty.before_write = step;
  };
  faulty.before_write = step;

  const auto endpoint = slow.create_endpoint(network_, {});

  ASSERT_TRUE(endpoint) << endpoint.error().what;
  EXPECT_EQ(rivals, 2);
  EXPECT_EQ(count(), R"({"Count":3})");
  EXPECT_EQ(endpoint->mac.to_string().substr(0, 15), "02:42:0a:00:00:");
  EXPECT_TRUE(taken(kPool, 2) && taken(kPool, 3) && taken(kPool, 4) && !taken(kPool, 5));
  const auto stored = registry_.list_endpoints(network_.id);
  for (const auto& each : *stored) {
    if (each.id == endpoint->id) {
      EXPECT_EQ(each, *endpoint);
    }
  }
  ASSERT_TRUE(*slow.remove_endpoint(*endpoint));
  EXPECT_EQ(count(), R"({"Count":2})");
}

}  // namespace
}  // namespace vtepd::test
