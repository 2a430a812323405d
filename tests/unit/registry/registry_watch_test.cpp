// SPDX-License-Identifier: GPL-2.0-only
// Of a store that is shared, only the networks in use are read.
#include "registry/registry_watch.h"

#include "fakes/memory_store.h"
#include "unit/registry/live_values.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

namespace se = store_event;
using testing::ElementsAre;

// The kinds of the events, in order.
std::string kind_of(const StoreEvent& event) {
  static constexpr std::array kNames{
      "NetworkUp",    "NetworkGone", "EndpointsUp", "EndpointGone", "FloatingUp",
      "FloatingGone", "NodeUp",      "NodeGone",    "DockerNodeUp", "DockerNodeGone",
      "AckRequested", "Acked",       "NetworkRead", "Malformed",    "Mended",
      "Synced",       "Outage",      "Recovered"};
  return kNames.at(event.index());
}

class InUse : public testing::Test {
 protected:
  InUse() {
    put(keys_.networks(), "");
    put(keys_.marker(), "{}");
    put(keys_.network(kNetworkId), kLiveNetwork);
    put(keys_.overlay(kNetworkId), kLiveOverlay);
    put(keys_.endpoints(kNetworkId), "");
    put(keys_.endpoint(kNetworkId, kEndpointId), kLiveEndpoint);
  }

  void put(const std::string& key, const std::string& value) {
    const auto old = store_.get(key);
    ASSERT_TRUE(store_.put(key, value, *old ? (*old)->index : 0, nullptr).value());
  }

  void start(const RegistryWatch::NetworkIds& followed) {
    auto started = RegistryWatch::start(store_, "", RegistryWatch::Reach::InUse, followed,
                                        [this](std::vector<StoreEvent> events) {
                                          for (const auto& event : events) {
                                            seen_.push_back(kind_of(event));
                                          }
                                        });
    ASSERT_TRUE(started);
    watch_ = std::move(*started);
  }

  std::vector<std::string> take_seen() { return std::exchange(seen_, {}); }

  [[nodiscard]] KvEvent outage() const { return {KvEvent::Kind::Outage, {}, "forbidden"}; }

  registry::Keys keys_{""};
  MemoryStore store_;
  std::vector<std::string> seen_;
  std::unique_ptr<RegistryWatch> watch_;  // ends before what its callback uses
};

TEST_F(InUse, ANetworkIsReadWhenItIsFollowedAndGoesWhenItIsLeft) {
  start({});
  EXPECT_THAT(take_seen(), ElementsAre("Synced"));
  put(keys_.endpoint(kNetworkId, kEndpointId), kLiveEndpoint + " ");
  EXPECT_THAT(take_seen(), ElementsAre()) << "not in use here";

  watch_->follow({kNetworkId});
  EXPECT_THAT(take_seen(), ElementsAre("NetworkUp", "EndpointsUp", "Synced", "NetworkRead"));
  put(keys_.endpoint(kNetworkId, kEndpointId), kLiveEndpoint);
  EXPECT_THAT(take_seen(), ElementsAre("EndpointsUp"));

  watch_->follow({});
  EXPECT_THAT(take_seen(), ElementsAre("NetworkGone", "EndpointGone"));
  put(keys_.endpoint(kNetworkId, kEndpointId), kLiveEndpoint + " ");
  EXPECT_THAT(take_seen(), ElementsAre());
  watch_->follow({kNetworkId});
  EXPECT_THAT(take_seen(), ElementsAre("NetworkUp", "EndpointsUp", "Synced", "NetworkRead"));
}

TEST_F(InUse, OneIsInStepAtTheStartOnlyWithTheNetworksOfTheStart) {
  start({kNetworkId});
  const auto seen = take_seen();
  EXPECT_EQ(seen.back(), "NetworkRead");
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "Synced"), 1)
      << "not before its last part was read";
  EXPECT_LT(std::find(seen.begin(), seen.end(), "EndpointsUp"),
            std::find(seen.begin(), seen.end(), "Synced"));
}

TEST_F(InUse, TheScopesAreReadAsTheSchemaAllows) {
  start({kNetworkId});
  std::map<std::string, KvScope> scopes;
  for (const auto& scope : store_.watched()) {
    scopes.emplace(scope.prefix, scope);
  }
  EXPECT_EQ(scopes.size(), 5U);
  EXPECT_TRUE(scopes.at(keys_.overlay(kNetworkId)).single);
  EXPECT_EQ(scopes.at(keys_.endpoints(kNetworkId)).required, keys_.endpoints(kNetworkId));
  EXPECT_EQ(scopes.at(keys_.endpoints(kNetworkId)).pulse, keys_.endpoint_count(kNetworkId));
  EXPECT_EQ(scopes.at(keys_.networks()).required, keys_.networks());
  EXPECT_EQ(scopes.at(keys_.own_root()).required, keys_.marker());
  EXPECT_TRUE(scopes.contains(keys_.docker_nodes()));
}

TEST_F(InUse, ANetworkThatCannotBeReadIsAnOutageUntilItIsLeft) {
  start({kNetworkId});
  take_seen();
  store_.report(keys_.endpoints(kNetworkId), outage());
  EXPECT_THAT(take_seen(), ElementsAre("Outage"));
  put(keys_.network("0" + std::string(63, '1')), kLiveNetwork);
  EXPECT_THAT(take_seen(), ElementsAre("Malformed")) << "the others go on";
  watch_->follow({});
  EXPECT_THAT(take_seen(), ElementsAre("NetworkGone", "EndpointGone", "Recovered"));
}

TEST_F(InUse, AKeyReadSinglyCountsOnlyIfItsNetworkIsFollowed) {
  start({kNetworkId});
  take_seen();
  const auto key = keys_.endpoint(kNetworkId, std::string(64, 'e'));
  auto value = kLiveEndpoint;
  value.replace(value.find(kEndpointId), 64, std::string(64, 'e'));
  const KvEvent read{KvEvent::Kind::Put, {{key, value, 100}}, {}};
  watch_->on_read(read);
  EXPECT_THAT(take_seen(), ElementsAre("EndpointsUp"));
  watch_->follow({});
  take_seen();
  watch_->on_read(read);
  EXPECT_THAT(take_seen(), ElementsAre());
}

}  // namespace

}  // namespace vtepd::test
