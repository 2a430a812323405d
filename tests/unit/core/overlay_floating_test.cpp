// SPDX-License-Identifier: GPL-2.0-only
#include "core/overlay.h"
#include "overlay_bed.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

using namespace overlay_bed;

constexpr MacAddress kVirtual{{0, 0, 0x5e, 0, 1, 9}};

FloatingAddress floating(unsigned e, unsigned holder, std::uint64_t generation,
                         std::optional<MacAddress> virtual_mac = {}) {
  return {.network_id = hex_id(1, 0),
          .address = address(e),
          .endpoint_id = id(1, holder),
          .mac = virtual_mac,
          .generation = generation};
}

// A local endpoint 10 on interface 7, and 20 and 30 on VTEPs B and C.
class FloatingTest : public testing::Test {
 protected:
  FloatingTest() {
    overlay_.upsert_network(network(1));
    overlay_.upsert_local(local(1, 10, 7));
    overlay_.upsert_endpoint(remote(1, 20, kVtepB));
    overlay_.upsert_endpoint(remote(1, 30, kVtepC));
    settle();
  }

  // The tables by deltas, which must be what desired() says.
  void settle() {
    model_.apply(overlay_.take_delta());
    EXPECT_TRUE(model_.state == overlay_.desired());
    ForwardingState walked;
    std::size_t next = 0;
    do {
      auto part = overlay_.desired_part(next, 1);
      walked.neighbours.merge(part.neighbours);
      walked.fdb.merge(part.fdb);
    } while (next != 0);
    EXPECT_TRUE(walked.neighbours == model_.state.neighbours);
    EXPECT_TRUE(walked.fdb == model_.state.fdb);
  }

  std::optional<MacAddress> known(unsigned e) {
    const auto place = model_.state.neighbours.find({vni(1), address(e)});
    return place == model_.state.neighbours.end() ? std::nullopt : std::optional(place->second);
  }

  std::uint32_t place_of(const MacAddress& mac) {
    return model_.state.fdb.at({vni(1), mac}).vtep_id;
  }

  Overlay overlay_{kOwnVtep, ""};
  Model model_;
};

TEST_F(FloatingTest, TheHolderAnswersAndALaterMoveWins) {
  overlay_.upsert_floating(floating(99, 20, 1));
  settle();
  EXPECT_EQ(known(99), mac(1, 20));
  EXPECT_TRUE(overlay_.take_moved().empty()) << "nobody knew another MAC";

  overlay_.upsert_floating(floating(99, 30, 2));
  settle();
  EXPECT_EQ(known(99), mac(1, 30));
  EXPECT_EQ(overlay_.take_moved(), (std::vector<NeighbourKey>{{vni(1), address(99)}}));

  overlay_.upsert_floating(floating(99, 20, 1));
  settle();
  EXPECT_EQ(known(99), mac(1, 30)) << "old news";

  overlay_.erase_floating(hex_id(1, 0), address(99));
  settle();
  EXPECT_EQ(known(99), std::nullopt);
}

TEST_F(FloatingTest, ItGoesBeforeTheEndpointWhoseOwnItIs) {
  overlay_.upsert_floating(floating(10, 20, 1));
  settle();
  EXPECT_EQ(known(10), mac(1, 20)) << "even before one of this host";
  EXPECT_EQ(overlay_.own_of({vni(1), address(10)}), id(1, 10));

  overlay_.erase_floating(hex_id(1, 0), address(10));
  settle();
  EXPECT_EQ(known(10), mac(1, 10));
}

TEST_F(FloatingTest, ItWaitsForItsHolder) {
  overlay_.upsert_floating(floating(99, 40, 1));
  settle();
  EXPECT_EQ(known(99), std::nullopt);
  overlay_.upsert_endpoint(remote(1, 40, kVtepB));
  settle();
  EXPECT_EQ(known(99), mac(1, 40));
  overlay_.erase_endpoint(hex_id(1, 0), id(1, 40));
  settle();
  EXPECT_EQ(known(99), std::nullopt);
}

TEST_F(FloatingTest, AVirtualMacMovesWithTheAddressAndTheLatestOfSeveralDecides) {
  overlay_.upsert_floating(floating(98, 20, 1, kVirtual));
  overlay_.upsert_floating(floating(99, 20, 2, kVirtual));
  settle();
  const auto at_b = place_of(mac(1, 20));
  EXPECT_EQ(known(98), kVirtual);
  EXPECT_EQ(place_of(kVirtual), at_b);

  overlay_.upsert_floating(floating(98, 30, 3, kVirtual));
  settle();
  EXPECT_NE(place_of(kVirtual), at_b);
  EXPECT_TRUE(overlay_.take_moved().empty()) << "the MAC that answers is the same";

  overlay_.erase_floating(hex_id(1, 0), address(98));
  settle();
  EXPECT_EQ(place_of(kVirtual), at_b);
  overlay_.erase_floating(hex_id(1, 0), address(99));
  settle();
  EXPECT_FALSE(model_.state.fdb.contains({vni(1), kVirtual}));
}

TEST_F(FloatingTest, AHolderOfThisHostMayUseWhatItHolds) {
  overlay_.upsert_floating(floating(99, 10, 1, kVirtual));
  settle();
  const auto& port = model_.state.ports.at(IfIndex{7});
  EXPECT_EQ(port.allowed_addresses, (std::set<IpPrefix>{{address(99), 32}}));
  EXPECT_EQ(port.allowed_macs, (std::set<MacAddress>{kVirtual}));
  EXPECT_EQ(overlay_.held_here().size(), 1U);

  overlay_.upsert_floating(floating(99, 20, 2, kVirtual));
  settle();
  EXPECT_TRUE(model_.state.ports.at(IfIndex{7}).allowed_addresses.empty());
  EXPECT_TRUE(model_.state.ports.at(IfIndex{7}).allowed_macs.empty());
}

TEST_F(FloatingTest, AnEndpointThatMovesToAnotherHostWithAnotherMacIsNews) {
  overlay_.erase_endpoint(hex_id(1, 0), id(1, 20));
  settle();
  EXPECT_TRUE(overlay_.take_moved().empty());
  auto moved = remote(1, 21, kVtepC);
  moved.address4 = IpPrefix{address(20), 24};
  overlay_.upsert_endpoint(moved);
  settle();
  EXPECT_EQ(overlay_.take_moved(), (std::vector<NeighbourKey>{{vni(1), address(20)}}));
}

TEST_F(FloatingTest, AComparisonHasFloatingAddressesAndRemembersWhatWent) {
  overlay_.upsert_floating(floating(20, 30, 1, kVirtual));
  overlay_.upsert_floating(floating(99, 10, 2));
  model_.apply(overlay_.take_difference(model_.state));
  settle();
  EXPECT_EQ(known(20), kVirtual);
  EXPECT_TRUE(overlay_.take_moved().empty());

  overlay_.erase_floating(hex_id(1, 0), address(99));
  model_.apply(overlay_.take_difference(model_.state));
  settle();
  overlay_.upsert_floating(floating(99, 20, 3));
  settle();
  EXPECT_EQ(overlay_.take_moved(), (std::vector<NeighbourKey>{{vni(1), address(99)}}));
}

}  // namespace
}  // namespace vtepd
