// SPDX-License-Identifier: GPL-2.0-only
#include "registry/decoder.h"

#include "registry/keys.h"
#include "registry/own_codec.h"
#include "unit/registry/live_values.h"

#include <array>
#include <cstdio>
#include <map>

#include <gmock/gmock.h>

namespace vtepd::test {

namespace {

namespace se = store_event;

std::string numbered_id(unsigned number) {
  std::array<char, 65> text{};
  std::snprintf(text.data(), text.size(), "%064x", number);
  return text.data();
}

using testing::ElementsAre;
using testing::Field;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class Decoder : public testing::Test {
 protected:
  std::vector<StoreEvent> put(const std::string& key, const std::string& value) {
    return decoder_.decode({KvEvent::Kind::Put, {{key, value, 1}}, {}});
  }

  std::vector<StoreEvent> drop(const std::string& key) {
    return decoder_.decode({KvEvent::Kind::Delete, {{key, {}, 0}}, {}});
  }

  std::vector<StoreEvent> snapshot(std::vector<KvPair> pairs) {
    return decoder_.decode({KvEvent::Kind::Snapshot, std::move(pairs), {}});
  }

  registry::Keys keys_{""};
  std::string network_ = keys_.network(kNetworkId);
  std::string overlay_ = keys_.overlay(kNetworkId);
  std::string endpoint_ = keys_.endpoint(kNetworkId, kEndpointId);
  RegistryDecoder decoder_{""};
};

template <typename Event>
const Event* only(const std::vector<StoreEvent>& events) {
  EXPECT_EQ(events.size(), 1U);
  const auto* event = events.size() == 1 ? std::get_if<Event>(&events[0]) : nullptr;
  EXPECT_NE(event, nullptr);
  return event;
}

std::string in_delete() {
  auto text = kLiveNetwork;
  return text.replace(text.find(R"("inDelete":false)"), 16, R"("inDelete":true)");
}

TEST_F(Decoder, NetworkNeedsBothKeys) {
  EXPECT_TRUE(put(network_, kLiveNetwork).empty());
  const auto events = put(overlay_, kLiveOverlay);
  const auto* up = only<se::NetworkUp>(events);
  ASSERT_NE(up, nullptr);
  EXPECT_EQ(up->network.name, "demonet");
  EXPECT_EQ(up->network.subnets[0].vni.value, 256U);
  EXPECT_TRUE(put(overlay_, kLiveOverlay).empty()) << "nothing changed";

  const auto gone = drop(network_);
  EXPECT_NE(only<se::NetworkGone>(gone), nullptr);
  EXPECT_TRUE(drop(overlay_).empty());
}

TEST_F(Decoder, NetworkGoesWhenItsRemovalBeginsAndComesBack) {
  put(network_, kLiveNetwork);
  put(overlay_, kLiveOverlay);
  EXPECT_NE(only<se::NetworkGone>(put(network_, in_delete())), nullptr);
  EXPECT_NE(only<se::NetworkUp>(put(network_, kLiveNetwork)), nullptr);
}

TEST_F(Decoder, OtherDriversNetworksAreNotOurs) {
  auto foreign = kLiveNetwork;
  foreign.replace(foreign.find(R"("overlay")"), 9, R"("weave")");
  EXPECT_TRUE(put(network_, foreign).empty());
  EXPECT_TRUE(put(overlay_, kLiveOverlay).empty());
}

TEST_F(Decoder, EndpointIsReportedPerChange) {
  const auto up = put(endpoint_, kLiveEndpoint);
  ASSERT_NE(only<se::EndpointsUp>(up), nullptr);
  EXPECT_EQ(only<se::EndpointsUp>(up)->network_id, kNetworkId);
  EXPECT_THAT(only<se::EndpointsUp>(up)->endpoints,
              ElementsAre(Field(&PackedEndpoint::id, *ObjectId::parse(kEndpointId))));
  EXPECT_TRUE(put(endpoint_, kLiveEndpoint).empty());
  const auto gone = drop(endpoint_);
  ASSERT_NE(only<se::EndpointGone>(gone), nullptr);
  EXPECT_EQ(only<se::EndpointGone>(gone)->id, kEndpointId);
  EXPECT_TRUE(drop(endpoint_).empty());
}

TEST_F(Decoder, MalformedIsToldOncePerChangeAndTheLastGoodStays) {
  put(endpoint_, kLiveEndpoint);
  const auto first = put(endpoint_, "{");
  ASSERT_NE(only<se::Malformed>(first), nullptr);
  EXPECT_EQ(only<se::Malformed>(first)->key, endpoint_);
  EXPECT_TRUE(put(endpoint_, "{").empty());
  EXPECT_NE(only<se::Malformed>(put(endpoint_, "[")), nullptr);

  const auto mended = put(endpoint_, kLiveEndpoint);
  ASSERT_EQ(mended.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<se::Mended>(mended[0]));
  EXPECT_TRUE(std::holds_alternative<se::EndpointsUp>(mended[1]));

  put(endpoint_, "{");
  const auto removed = drop(endpoint_);
  ASSERT_EQ(removed.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<se::Mended>(removed[0]));
  EXPECT_TRUE(std::holds_alternative<se::EndpointGone>(removed[1]));
}

TEST_F(Decoder, MalformedNetworkKeepsTheLastGoodOne) {
  put(network_, kLiveNetwork);
  put(overlay_, kLiveOverlay);
  EXPECT_NE(only<se::Malformed>(put(overlay_, "{}")), nullptr);
  EXPECT_NE(only<se::Mended>(put(overlay_, kLiveOverlay)), nullptr);
}

TEST_F(Decoder, SnapshotYieldsDifferencesOnly) {
  const std::vector<KvPair> all{{endpoint_, kLiveEndpoint, 1}, {keys_.endpoints(kNetworkId), "", 2},
                                {network_, kLiveNetwork, 3},   {overlay_, kLiveOverlay, 4},
                                {keys_.networks(), "", 5},     {"unrelated", "x", 6}};
  const auto first = snapshot(all);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<se::Synced>(first.back()));

  EXPECT_NE(only<se::Synced>(snapshot(all)), nullptr);

  const auto empty = snapshot({});
  ASSERT_EQ(empty.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<se::NetworkGone>(empty[0]));
  EXPECT_TRUE(std::holds_alternative<se::EndpointGone>(empty[1]));
  EXPECT_EQ(std::get<se::EndpointGone>(empty[1]).id, kEndpointId);
}

TEST_F(Decoder, EndpointsOfANetworkComeTogether) {
  constexpr unsigned kMany = 5000;  // more than one event has
  std::vector<KvPair> all{{network_, kLiveNetwork, 1}, {overlay_, kLiveOverlay, 2}};
  const auto add = [&](const std::string& network_id, unsigned number) {
    auto value = kLiveEndpoint;
    const auto id = numbered_id(number);
    value.replace(value.find(kEndpointId), kEndpointId.size(), id);
    all.push_back({keys_.endpoint(network_id, id), value, 3});
  };
  for (unsigned i = 0; i < kMany; ++i) {
    add(kNetworkId, i);
  }
  add(kSandboxId, kMany);  // of another network
  std::map<std::string, std::size_t> counts;
  for (const auto& event : snapshot(all)) {
    if (const auto* up = std::get_if<se::EndpointsUp>(&event)) {
      counts[up->network_id] += up->endpoints.size();
    }
  }
  EXPECT_THAT(counts, UnorderedElementsAre(Pair(kNetworkId, kMany), Pair(kSandboxId, 1)));

  all.erase(all.begin() + 2, all.end() - 1);
  EXPECT_THAT(snapshot(all), SizeIs(kMany + 1)) << "each is gone, and it is in step";
}

TEST_F(Decoder, OutageDeletesNothing) {
  put(endpoint_, kLiveEndpoint);
  EXPECT_EQ(only<se::Outage>(decoder_.decode({KvEvent::Kind::Outage, {}, "why"}))->reason, "why");
  EXPECT_NE(only<se::Recovered>(decoder_.decode({KvEvent::Kind::Recovered, {}, {}})), nullptr);
  EXPECT_NE(only<se::Synced>(snapshot({{endpoint_, kLiveEndpoint, 9}})), nullptr);
}

TEST_F(Decoder, IdOfAnEndpointMustBeWhole) {
  const auto bad = keys_.endpoint(kNetworkId, "short");
  EXPECT_NE(only<se::Malformed>(put(bad, kLiveEndpoint)), nullptr);
  EXPECT_TRUE(put(bad, kLiveEndpoint).empty());
  EXPECT_NE(only<se::Mended>(drop(bad)), nullptr);
}

TEST_F(Decoder, NodesAndAcknowledgements) {
  const Node node{*IpAddress::parse("10.99.0.3"), "h", "default"};
  EXPECT_EQ(only<se::NodeUp>(put(keys_.node(node.vtep), registry::encode_node(node)))->node, node);
  EXPECT_NE(only<se::NodeGone>(drop(keys_.node(node.vtep))), nullptr);
  EXPECT_NE(only<se::Malformed>(put("vtepd/v1/nodes/10.99.0.4", registry::encode_node(node))),
            nullptr);
  const auto request = put(keys_.ack_request("n", "e"), registry::encode_revision("r"));
  EXPECT_EQ(only<se::AckRequested>(request)->revision, "r");
  const auto ack = put(keys_.acks("n", "e") + "10.99.0.3", registry::encode_revision("r"));
  EXPECT_EQ(only<se::Acked>(ack)->vtep, node.vtep);
  EXPECT_NE(only<se::Malformed>(put(keys_.acks("n", "e") + "zz", registry::encode_revision("r"))),
            nullptr);
}

}  // namespace

}  // namespace vtepd::test
