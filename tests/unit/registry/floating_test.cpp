// SPDX-License-Identifier: GPL-2.0-only
// Floating addresses in the store: one holder, and the address's bit goes exactly once.
#include "unit/registry/registry_fixture.h"

namespace vtepd::test {
namespace {

constexpr const char* kPool = "GlobalDefault/10.1.0.0/24";

class FloatingTest : public RegistryTest {
 protected:
  FloatingTest() : network_(must_create("blue", "10.1.0.0/24")) {
    a_ = must_attach(network_);
    b_ = must_attach(network_);
  }

  FloatingAddress wanted(const Endpoint& holder, const std::string& address) {
    return {.network_id = network_.id,
            .address = *IpAddress::parse(address),
            .endpoint_id = holder.id,
            .mac = {},
            .generation = 0};
  }

  FloatingAddress must_hold(const Endpoint& holder, const std::string& address,
                            const std::optional<std::string>& own_of = {}) {
    const auto held = registry_.hold_address(wanted(holder, address), own_of);
    EXPECT_TRUE(held) << held.error().what;
    EXPECT_TRUE(held && *held);
    return held && *held ? **held : FloatingAddress{};
  }

  std::string stored(const std::string& address) {
    return value(keys_.floating(network_.id, *IpAddress::parse(address)));
  }

  Network network_;
  Endpoint a_;
  Endpoint b_;
};

TEST_F(FloatingTest, HoldsItsBitAndMovesWithAHigherGeneration) {
  EXPECT_EQ(must_hold(a_, "10.1.0.100").generation, 1U);
  EXPECT_TRUE(taken(kPool, 100));
  EXPECT_EQ(must_hold(a_, "10.1.0.100").generation, 1U) << "again, idempotently";
  const auto moved = must_hold(b_, "10.1.0.100");
  EXPECT_EQ(moved.generation, 2U);
  EXPECT_FALSE(*registry_.let_go(wanted(a_, "10.1.0.100"))) << "not a's any more";
  EXPECT_TRUE(taken(kPool, 100));

  EXPECT_TRUE(*registry_.let_go(moved));

  EXPECT_FALSE(taken(kPool, 100));
  EXPECT_EQ(stored("10.1.0.100"), "(missing)");
}

TEST_F(FloatingTest, AnEndpointThatGoesLetsGoOfAll) {
  must_hold(a_, "10.1.0.100");
  must_hold(a_, "10.1.0.101");
  must_hold(b_, "10.1.0.102");
  ASSERT_TRUE(*registry_.remove_endpoint(a_));
  EXPECT_FALSE(taken(kPool, 100));
  EXPECT_FALSE(taken(kPool, 101));
  EXPECT_TRUE(taken(kPool, 102));
}

TEST_F(FloatingTest, TheBitOfAnEndpointThatGoesIsHandedOver) {
  const auto own = a_.address4->address.to_string();
  const auto held = must_hold(b_, own, a_.id);
  ASSERT_TRUE(*registry_.remove_endpoint(a_));
  EXPECT_TRUE(taken(kPool, 2)) << "b has it";
  EXPECT_TRUE(*registry_.let_go(held));
  EXPECT_FALSE(taken(kPool, 2));
}

TEST_F(FloatingTest, TheBitStaysWithTheEndpointWhoseOwnItIs) {
  const auto own = a_.address4->address.to_string();
  const auto held = must_hold(b_, own, a_.id);
  EXPECT_TRUE(*registry_.let_go(held));
  EXPECT_TRUE(taken(kPool, 2));

  must_hold(b_, own, a_.id);
  const auto back = registry_.hold_address(wanted(a_, own), a_.id);
  ASSERT_TRUE(back);
  EXPECT_FALSE(*back) << "its own again, not a floating one";
  EXPECT_EQ(stored(own), "(missing)");
  EXPECT_TRUE(taken(kPool, 2));
}

TEST_F(FloatingTest, GatewaysAndAddressesOutsideThePoolHaveNoBit) {
  const auto gateway = must_hold(a_, "10.1.0.1");
  EXPECT_TRUE(*registry_.let_go(gateway));
  EXPECT_TRUE(taken(kPool, 1)) << "the network's own";
  const auto outside = must_hold(a_, "172.16.0.1");
  EXPECT_TRUE(*registry_.let_go(outside));
}

TEST_F(FloatingTest, RefusesWhatNobodyMayHave) {
  EXPECT_FAILS(registry_.hold_address(wanted(a_, "10.1.0.0"), {}), Invalid, "network address");
  EXPECT_FAILS(registry_.hold_address(wanted(a_, "10.1.0.255"), {}), Invalid, "broadcast");
  EXPECT_FAILS(registry_.hold_address(wanted(a_, "224.0.0.1"), {}), Invalid, "224.0.0.1");
  EXPECT_FAILS(registry_.hold_address(wanted(a_, b_.address4->address.to_string()), {}), Conflict,
               "is taken");
}

TEST_F(FloatingTest, IsLetGoExactlyOnceAfterACrashAtAnyWrite) {
  for (int writes = 1; writes < 6; ++writes) {
    const auto held = must_hold(a_, "10.1.0.100");
    FaultyStore faulty(store_);
    faulty.writes_left = writes;
    faulty.last_answer_lost = true;
    Registry crashing(faulty, options());
    const auto first = crashing.let_go(held);
    if (!first) {
      // Somebody else takes another address meanwhile: the pool's index says nothing any more.
      const auto other = must_attach(network_);
      const auto again = registry_.let_go(held);
      ASSERT_TRUE(again) << again.error().what;
      ASSERT_TRUE(*registry_.remove_endpoint(other));
    }
    EXPECT_FALSE(taken(kPool, 100)) << writes;
    EXPECT_EQ(stored("10.1.0.100"), "(missing)") << writes;
    const auto endpoint =
        must_attach(network_, {.name = "", .address4 = held.address, .address6 = {}, .mac = {}});
    EXPECT_TRUE(taken(kPool, 100));
    EXPECT_FALSE(*registry_.let_go(held));
    EXPECT_TRUE(taken(kPool, 100)) << "not given back twice";
    ASSERT_TRUE(*registry_.remove_endpoint(endpoint));
  }
}

// Killed after each write in turn, with and without its answer; then the same endpoint, another, or
// nobody wants the address. Its bit is set exactly while somebody has it.
TEST_F(FloatingTest, ATakeOverCanBreakOffAnywhere) {
  int broken_off = 0;
  for (int round = 0; round < 24; ++round) {
    FaultyStore faulty(store_);
    faulty.writes_left = round / 2 % 4 + 1;
    faulty.last_answer_lost = round % 2 == 1;
    const auto first = Registry(faulty, options()).hold_address(wanted(a_, "10.1.0.100"), {});
    broken_off += first ? 0 : 1;
    const auto* holder = round / 8 == 0 ? &a_ : round / 8 == 1 ? &b_ : nullptr;
    if (holder != nullptr) {
      const auto held = must_hold(*holder, "10.1.0.100");
      EXPECT_TRUE(taken(kPool, 100)) << round;
      EXPECT_EQ(stored("10.1.0.100").find("taking"), std::string::npos) << round;
      EXPECT_TRUE(*registry_.let_go(held));
    } else {
      const auto gone = registry_.let_go(wanted(a_, "10.1.0.100"));
      EXPECT_TRUE(gone) << gone.error().what;
    }
    EXPECT_FALSE(taken(kPool, 100)) << round;
    EXPECT_EQ(stored("10.1.0.100"), "(missing)") << round;
  }
  EXPECT_GE(broken_off, 9);
}

TEST_F(FloatingTest, WhoeverTakesItFinishesWhatACrashedHolderBegan) {
  const auto held = must_hold(a_, "10.1.0.100");
  FaultyStore faulty(store_);
  faulty.writes_left = 1;
  Registry crashing(faulty, options());
  static_cast<void>(crashing.let_go(held));
  ASSERT_NE(stored("10.1.0.100").find("leaving"), std::string::npos);
  EXPECT_EQ(must_hold(b_, "10.1.0.100").endpoint_id, b_.id);
  EXPECT_TRUE(taken(kPool, 100));
}

}  // namespace
}  // namespace vtepd::test
