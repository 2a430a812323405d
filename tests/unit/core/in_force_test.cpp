// SPDX-License-Identifier: GPL-2.0-only
#include "core/in_force.h"

#include "unit/core/overlay_bed.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

using namespace overlay_bed;

class InForce : public testing::Test {
 protected:
  InForce() {
    overlay_.upsert_network(network(1));
    overlay_.upsert_local(local(1, 5, 7));
    overlay_.upsert_endpoint(other_);
    overlay_.set_route(kVtepB, PeerRoute{kVtepB, {2}, 1500});
  }

  // What stands in the way of this endpoint; empty: nothing.
  [[nodiscard]] std::string obstacle(const Endpoint& endpoint) const {
    const auto found = not_in_force(overlay_, {&endpoint});
    return found.empty() ? "" : found.front().have;
  }

  Overlay overlay_{kOwnVtep, "a@198.51.100.1"};
  Endpoint other_ = remote(1, 6, kVtepB);
};

TEST_F(InForce, AnEndpointThatGetsWhatItHas) {
  EXPECT_EQ(obstacle(other_), "");
}

TEST_F(InForce, OneThatThisHostHasNotHeardOf) {
  EXPECT_EQ(obstacle(remote(1, 9, kVtepB)), "this host has not heard of it");
}

TEST_F(InForce, OneWhoseMacOrAddressAnotherHas) {
  auto same_mac = remote(1, 9, kVtepB);
  same_mac.mac = other_.mac;
  overlay_.upsert_endpoint(same_mac);
  EXPECT_EQ(obstacle(same_mac), other_.mac.to_string() + " is that of endpoint ep6");
  auto same_address = remote(1, 10, kVtepB);
  same_address.address4 = IpPrefix{address(5), 24};
  overlay_.upsert_endpoint(same_address);
  EXPECT_EQ(obstacle(same_address), "192.0.2.5 is that of endpoint ep5 of this host");
}

TEST_F(InForce, AnAddressThatMovedIsNoObstacle) {
  overlay_.upsert_floating({hex_id(1, 0), address(6), id(1, 5), {}, 1});
  EXPECT_EQ(obstacle(other_), "");
}

TEST_F(InForce, OneBehindAVtepWithoutARoute) {
  overlay_.set_route(kVtepB, std::nullopt);
  EXPECT_EQ(obstacle(other_), "there is no underlay route to 198.51.100.2");
}

TEST_F(InForce, NothingIsExpectedOfOthers) {
  auto half = remote(1, 9, kVtepB);
  half.sandbox.clear();
  EXPECT_EQ(obstacle(half), "");
  EXPECT_EQ(obstacle(remote(1, 9, kOwnVtep)), "") << "a dockerd's, at this address";
  overlay_.upsert_network(network(2));
  EXPECT_EQ(obstacle(remote(2, 9, kVtepB)), "") << "no endpoint here";
}

}  // namespace
}  // namespace vtepd
