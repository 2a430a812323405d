// SPDX-License-Identifier: GPL-2.0-only
// What an audit finds, what it must not find, and what mending changes.
#include "registry/store_audit.h"

#include "registry/mend.h"
#include "unit/registry/registry_fixture.h"
#include "unit/registry/stored_keys.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace vtepd::test {
namespace {

using namespace registry;

constexpr const char* kPool = "GlobalDefault/10.0.0.0/24";
const IpAddress kHere = *IpAddress::parse("10.99.0.2");
const IpAddress kThere = *IpAddress::parse("10.99.0.3");

class StoreAudit : public RegistryTest {
 protected:
  StoreAudit() : network_(must_create("n", "10.0.0.0/24")) {
    witness_.vtep = kHere;
    witness_.owner = options().owner;
    make_live(kThere);
  }

  void make_live(const IpAddress& vtep) {
    put(keys_.node(vtep), encode_node({.vtep = vtep, .host = "b", .instance = "default"}));
  }

  void make_gone(const IpAddress& vtep) {
    const auto pair = store_.get(keys_.node(vtep));
    EXPECT_TRUE(*store_.erase(keys_.node(vtep), (*pair)->index));
  }

  Endpoint active(Registry& registry, bool here) {
    const auto made = registry.create_endpoint(network_, {});
    EXPECT_TRUE(made) << made.error().what;
    const auto active = registry.activate_endpoint(*made, kSandboxId, "vtep1");
    EXPECT_TRUE(active) << active.error().what;
    if (here) {
      witness_.own.insert(active->id);
    }
    return *active;
  }

  Endpoint attach_here() { return active(registry_, true); }

  Endpoint attach_there() { return active(there_, false); }

  // As dockerd writes it.
  Endpoint attach_docker(const IpAddress& vtep) {
    auto docker = options(vtep.to_string());
    docker.owner.clear();
    Registry registry(store_, docker);
    return active(registry, false);
  }

  void turn_bit(std::uint64_t ordinal, bool set) {
    const auto key = keys_.addresses(kPool);
    auto named = *decode_bits(key, value(key));
    EXPECT_TRUE(set ? named.bits.set(ordinal) : named.bits.clear(ordinal));
    put(key, encode_bits(named));
  }

  std::vector<Finding> find() {
    const auto audit = registry_.audit(witness_);
    EXPECT_TRUE(audit) << audit.error().what;
    return audit->findings;
  }

  // "kind object have want", one for each.
  static std::vector<std::string> texts(const std::vector<Finding>& findings) {
    std::vector<std::string> texts;
    for (const auto& finding : findings) {
      const auto& shown = finding.shown;
      texts.push_back(shown.kind + " " + shown.object + " " + shown.have + " " + shown.want);
    }
    return texts;
  }

  std::vector<std::string> found() { return texts(find()); }

  std::size_t mend_all(const std::optional<IpAddress>& host = {}, bool leaked = false) {
    std::size_t done = 0;
    for (const auto& item : plan(find(), host, leaked)) {
      const auto mended = registry_.mend(item);
      EXPECT_TRUE(mended) << mended.error().what;
      done += mended && *mended ? item.size() : 0;
    }
    return done;
  }

  std::map<std::string, std::string> everything() {
    std::map<std::string, std::string> all;
    for (const auto& [key, pair] : store_.pairs()) {
      all[key] = pair.value;
    }
    return all;
  }

  using Texts = std::vector<std::string>;
  Network network_;
  Registry there_{store_, options("10.99.0.3")};
  Witness witness_;
};

TEST_F(StoreAudit, FindsNothingInAStoreThatIsInOrder) {
  const auto here = attach_here();
  attach_there();
  must_attach(network_);  // half made
  witness_.attaching = true;
  FloatingAddress floating{network_.id, *IpAddress::parse("10.0.0.50"), here.id, {}, 0};
  ASSERT_TRUE(registry_.hold_address(floating, std::nullopt));
  EXPECT_EQ(found(), Texts{});
}

TEST_F(StoreAudit, FindsNothingInWhatDockerWrites) {
  const std::filesystem::path folder = VTEPD_DOCKER_VALUES;
  std::size_t steps = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (const auto& step : steps_from_text(text)) {
      MemoryStore store;
      for (const auto& [key, value] : step.keys) {
        EXPECT_TRUE(*store.put(key, value, 0, nullptr));
      }
      Registry registry(store, options());
      const auto audit = registry.audit(witness_);
      ASSERT_TRUE(audit) << audit.error().what;
      EXPECT_EQ(texts(audit->findings), Texts{}) << file.path() << ": " << step.what;
      ++steps;
    }
  }
  EXPECT_GT(steps, 20U);
}

TEST_F(StoreAudit, AnEndpointWhoseHostIsGoneIsRemovedByName) {
  attach_here();
  const auto before = everything();
  const auto lost = attach_there();
  ASSERT_TRUE(there_.request_ack(lost, "1"));
  EXPECT_EQ(found(), Texts{});
  make_gone(kThere);
  EXPECT_EQ(found(), Texts{"host-gone " + shown_endpoint(lost) + " on 10.99.0.3 a live host"});

  EXPECT_EQ(mend_all(), 0U);
  EXPECT_EQ(mend_all(kHere), 0U);
  EXPECT_EQ(mend_all(kThere), 1U);
  EXPECT_EQ(found(), Texts{});
  make_live(kThere);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, AHostLivesByItsKeysOrByGossip) {
  const auto docker = attach_docker(*IpAddress::parse("10.99.0.101"));
  EXPECT_EQ(found().size(), 1U);
  put(keys_.docker_node(docker.vtep, 2376), "10.99.0.101:2376");
  EXPECT_EQ(found(), Texts{});
  const auto pair = store_.get(keys_.docker_node(docker.vtep, 2376));
  ASSERT_TRUE(*store_.erase((*pair)->key, (*pair)->index));
  witness_.gossip = true;
  witness_.members = {docker.vtep};
  EXPECT_EQ(found(), Texts{});
  witness_.members = {kHere};
  EXPECT_EQ(found().size(), 1U);
}

TEST_F(StoreAudit, AHostThatCameBackKeepsItsEndpoints) {
  attach_there();
  make_gone(kThere);
  const auto items = plan(find(), kThere, false);
  ASSERT_EQ(items.size(), 1U);
  make_live(kThere);
  const auto before = everything();
  EXPECT_FAILS(registry_.mend(items.front()), Conflict, "came back");
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, WhatADeadDockerHostLeftGoesWhole) {
  attach_here();
  const auto before = everything();
  attach_docker(*IpAddress::parse("10.99.0.101"));
  EXPECT_EQ(mend_all(*IpAddress::parse("10.99.0.101")), 1U);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, AnEndpointThatThisHostDoesNotHaveIsOurs) {
  attach_here();
  const auto before = everything();
  const auto lost = attach_here();
  witness_.own.erase(lost.id);
  EXPECT_EQ(found(), Texts{"orphan " + shown_endpoint(lost) +
                           " on this host by the store an endpoint of this host"});
  EXPECT_EQ(mend_all(), 1U);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, AHalfMadeEndpointIsAnOrphanOnlyWhenNoneIsBeingMade) {
  must_attach(network_);
  witness_.attaching = true;
  EXPECT_EQ(found(), Texts{});
  witness_.attaching = false;
  EXPECT_EQ(found().size(), 1U);
  EXPECT_EQ(mend_all(), 1U);
  EXPECT_EQ(found(), Texts{});
}

TEST_F(StoreAudit, AnotherWritersEndpointHereIsShownAndLeft) {
  auto other = options();
  other.owner = "other@10.99.0.2";
  Registry registry(store_, other);
  active(registry, false);
  attach_docker(kHere);
  EXPECT_EQ(found().size(), 2U);
  EXPECT_EQ(mend_all(kHere, true), 0U);
  put(keys_.docker_node(kHere, 2376), "10.99.0.2:2376");
  EXPECT_EQ(found().size(), 1U) << "a dockerd's endpoints are its own";
}

TEST_F(StoreAudit, ACountThatIsOffIsMended) {
  attach_here();
  attach_there();
  const auto key = keys_.endpoint_count(network_.id);
  const auto before = everything();
  put(key, encode_count(5));
  EXPECT_EQ(found(), Texts{"count-off endpoint_count 5 2"});
  EXPECT_EQ(mend_all(), 1U);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, ACountIsNotJudgedWhileAnEndpointIsHalfMade) {
  attach_here();
  must_attach(network_);
  witness_.attaching = true;
  put(keys_.endpoint_count(network_.id), encode_count(1));
  EXPECT_EQ(found(), Texts{});
}

TEST_F(StoreAudit, ACountThatChangedSinceIsLeft) {
  attach_here();
  put(keys_.endpoint_count(network_.id), encode_count(5));
  const auto items = plan(find(), {}, false);
  ASSERT_EQ(items.size(), 1U);
  put(keys_.endpoint_count(network_.id), encode_count(6));
  EXPECT_FALSE(*registry_.mend(items.front()));
  EXPECT_EQ(value(keys_.endpoint_count(network_.id)), "{\"Count\":6}");
}

TEST_F(StoreAudit, AnAddressThatNobodyHasIsFreed) {
  attach_here();
  const auto before = everything();
  turn_bit(77, true);
  turn_bit(78, true);
  EXPECT_EQ(found(), (Texts{"address-leaked address 10.0.0.77 taken free",
                            "address-leaked address 10.0.0.78 taken free"}));
  EXPECT_EQ(mend_all(), 2U);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, WhereADockerdMayBeAnAddressIsFreedOnlyByName) {
  attach_here();
  turn_bit(77, true);
  put(keys_.docker_node(*IpAddress::parse("10.99.0.101"), 2376), "10.99.0.101:2376");
  ASSERT_EQ(found().size(), 1U);
  EXPECT_EQ(mend_all(), 0U);
  EXPECT_TRUE(taken(kPool, 77));
  EXPECT_EQ(mend_all({}, true), 1U);
  EXPECT_FALSE(taken(kPool, 77));
  EXPECT_TRUE(taken(kPool, 2)) << "the endpoint's";
}

// Freed and taken again by a dockerd in between, which has not written its endpoint yet.
TEST_F(StoreAudit, WhereADockerdMayBeAPoolThatChangedIsNoProof) {
  put(keys_.docker_node(*IpAddress::parse("10.99.0.101"), 2376), "10.99.0.101:2376");
  turn_bit(77, true);
  const auto first = find();
  EXPECT_EQ(confirmed(first, find()).size(), 1U);
  turn_bit(77, false);
  turn_bit(77, true);
  EXPECT_EQ(confirmed(first, find()).size(), 0U);
}

TEST_F(StoreAudit, AKeyThatDoesNotParseMayHaveAnyAddress) {
  turn_bit(77, true);
  put(keys_.endpoint(network_.id, std::string(64, 'd')), "{");
  const auto findings = find();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings.front().fault, Fault::Malformed);
  EXPECT_EQ(mend_all({}, true), 0U);
}

TEST_F(StoreAudit, AnAddressThatIsNotTakenIsTakenByItsOwnHost) {
  attach_here();
  attach_there();
  const auto before = everything();
  turn_bit(2, false);
  turn_bit(3, false);
  EXPECT_EQ(found().size(), 2U);
  EXPECT_EQ(mend_all({}, true), 1U);
  EXPECT_TRUE(taken(kPool, 2));
  EXPECT_FALSE(taken(kPool, 3)) << "that is the other host's to say";
  turn_bit(3, true);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, AVniThatNobodyHasIsFreedOnlyByName) {
  const auto key = keys_.vnis();
  const auto before = value(key);
  auto named = *decode_bits(key, before);
  named.bits.set(9);
  put(key, encode_bits(named));
  EXPECT_EQ(found(), Texts{"vni-leaked VNI 265 taken free"});
  EXPECT_EQ(mend_all(), 0U);
  EXPECT_EQ(mend_all({}, true), 1U);
  EXPECT_EQ(value(key), before);
}

TEST_F(StoreAudit, ANetworksVniIsTakenAgain) {
  const auto key = keys_.vnis();
  const auto before = value(key);
  auto named = *decode_bits(key, before);
  ASSERT_TRUE(named.bits.clear(network_.subnets.front().vni.value - 256));
  put(key, encode_bits(named));
  EXPECT_EQ(found(), Texts{"vni-not-taken VNI 256 free taken"});
  EXPECT_EQ(mend_all(), 1U);
  EXPECT_EQ(value(key), before);
}

TEST_F(StoreAudit, AFloatingAddressWithoutAHolderGoes) {
  const auto holder = attach_here();
  const auto before = everything();
  const FloatingAddress floating{
      network_.id, *IpAddress::parse("10.0.0.50"), std::string(64, '9'), {}, 0};
  ASSERT_TRUE(registry_.hold_address(floating, std::nullopt));
  EXPECT_EQ(found(), Texts{"holder-gone address 10.0.0.50 held by 999999999999 a holder that is in "
                           "the store"});
  EXPECT_EQ(mend_all(), 1U);
  EXPECT_EQ(everything(), before);
}

TEST_F(StoreAudit, AHostThatGossipLacksIsNamed) {
  put(keys_.node(kThere),
      encode_node({.vtep = kThere, .host = "b", .instance = "default", .gossip_port = 7946}));
  witness_.gossip = true;
  EXPECT_EQ(found(), Texts{}) << "gossip is away: nothing can be said";
  witness_.members = {kHere};
  EXPECT_EQ(found(), Texts{"not-in-gossip host 10.99.0.3 no live member of gossip a member, as the "
                           "store lists it"});
}

TEST_F(StoreAudit, ItIsAllMendedAtOnceAndOnlyOnce) {
  attach_here();
  const auto before = everything();
  const auto orphan = attach_here();
  witness_.own.erase(orphan.id);
  attach_there();
  make_gone(kThere);
  turn_bit(77, true);
  turn_bit(2, false);
  put(keys_.endpoint_count(network_.id), encode_count(9));
  EXPECT_EQ(mend_all(kThere, true), 5U);
  EXPECT_EQ(mend_all(kThere, true), 0U);
  make_live(kThere);
  EXPECT_EQ(everything(), before);
}

}  // namespace
}  // namespace vtepd::test
