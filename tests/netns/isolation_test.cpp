// SPDX-License-Identifier: GPL-2.0-only
// What must not get through, each with what must.
#include "support/frames.h"
#include "support/lab.h"
#include "support/traffic.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

// Two networks in two address spaces, the same subnet, addresses and MACs in both.
struct Twins {
  Lab lab{};
  Container* red_a = nullptr;
  Container* red_b = nullptr;
  Container* blue_a = nullptr;
  Container* blue_b = nullptr;

  Twins() {
    lab.start();
    for (const char* name : {"red", "blue"}) {
      lab.create_network(name, "192.168.7.0/24", {"--address-space", name});
    }
    const std::vector<std::string> mac_a{"--mac", "02:42:c0:a8:07:0b", "--wait"};
    const std::vector<std::string> mac_b{"--mac", "02:42:c0:a8:07:0c", "--wait"};
    red_a = &lab.host(1).attach("red", "192.168.7.11", mac_a);
    red_b = &lab.host(2).attach("red", "192.168.7.12", mac_b);
    blue_a = &lab.host(1).attach("blue", "192.168.7.11", mac_a);
    blue_b = &lab.host(2).attach("blue", "192.168.7.12", mac_b);
  }
};

TEST(Isolation, SameAddressesInTwoNetworksNeverMix) {
  Twins twins;
  const Capture red(twins.red_b->netns, "eth0");
  const Capture blue(twins.blue_b->netns, "eth0");
  const Bytes from_red = datagram(*twins.red_a, *twins.red_b, 41000, 77);
  const Bytes from_blue = datagram(*twins.blue_a, *twins.blue_b, 42000, 99);

  for (int i = 0; i < 20; ++i) {
    RawSender(twins.red_a->netns, "eth0").send(from_red);
    RawSender(twins.blue_a->netns, "eth0").send(from_blue);
  }
  EXPECT_TRUE(wait_until([&] { return red.count(is(from_red)) == 20; }, Seconds(2)));
  EXPECT_TRUE(wait_until([&] { return blue.count(is(from_blue)) == 20; }, Seconds(2)));

  EXPECT_EQ(red.count(is(from_blue)), 0U);
  EXPECT_EQ(blue.count(is(from_red)), 0U);
  EXPECT_TRUE(red.complete() && blue.complete());
  EXPECT_TRUE(twins.red_a->pings(twins.red_b->address));
  EXPECT_TRUE(twins.blue_a->pings(twins.blue_b->address));
}

TEST(Isolation, NothingCrossesWhenOnlyOneNetworkHasTheAddress) {
  Twins twins;
  const Container& only_red = twins.lab.host(2).attach("red", "192.168.7.99", {"--wait"});

  EXPECT_TRUE(twins.red_a->pings(only_red.address));
  EXPECT_FALSE(twins.blue_a->pings(only_red.address, 1));
}

TEST(Isolation, LargeTransfersAtTheSameTimeStayApart) {
  Twins twins;
  constexpr std::size_t kBytes = 8U << 20U;
  std::size_t red = 0;
  std::thread other(
      [&] { red = tcp_transfer(twins.red_a->netns, twins.red_b->netns, "192.168.7.12", kBytes); });
  const std::size_t blue =
      tcp_transfer(twins.blue_a->netns, twins.blue_b->netns, "192.168.7.12", kBytes);
  other.join();

  EXPECT_EQ(red, kBytes);
  EXPECT_EQ(blue, kBytes);
}

// Host 1 under hand-made frames on its cable, as host 2 sends them or nearly so.
class Crafted : public testing::Test {
 protected:
  // A frame from host 2's VTEP for a's network; the tests spoil one thing of it.
  [[nodiscard]] Outer outer() {
    return {.dst_mac = mac_of(pair_.lab.host(1).mac()),
            .src_mac = mac_of(pair_.lab.host(2).mac()),
            .src = "10.99.0.2",
            .dst = "10.99.0.1",
            .vni = pair_.lab.vni("blue")};
  }

  [[nodiscard]] Bytes inner() const { return datagram(*pair_.b, *pair_.a, 43000, 50); }

  void send(const Bytes& frame) const { sender_.send(frame); }

  [[nodiscard]] bool arrives(const Bytes& frame) {
    const std::size_t before = arrival_.count(is(inner()));
    send(frame);
    return wait_until([&] { return arrival_.count(is(inner())) > before; }, Milliseconds(500));
  }

  // The frame is not delivered and its reason is counted; before and after, a good one is. What is
  // sent after it arrives after it, so there is no time to wait for.
  void refused(const Bytes& frame, const std::string& reason) {
    Host& host = pair_.lab.host(1);
    ASSERT_TRUE(arrives(encapsulated(outer(), inner()))) << "the twin";
    const std::uint64_t before = host.counter(reason);
    const Bytes carried = Frame{.bytes = frame}.inner();
    const std::size_t delivered = arrival_.count(is(carried));
    const Bytes last = datagram(*pair_.b, *pair_.a, 43001, 50);
    const std::size_t twins = arrival_.count(is(last));
    send(frame);
    send(encapsulated(outer(), last));
    EXPECT_TRUE(wait_until([&] { return arrival_.count(is(last)) == twins + 1; }, Seconds(2)))
        << "the twin, afterwards";
    EXPECT_EQ(arrival_.count(is(carried)), delivered) << reason;
    if (counts(reason)) {
      EXPECT_EQ(host.counter(reason), before + 1) << reason;
    }
  }

  Pair pair_;
  RawSender sender_ = pair_.lab.cable_to(1);
  Capture arrival_{pair_.a->netns, "eth0"};
};

TEST_F(Crafted, ForeignVniPassesAndIsCounted) {
  Outer foreign = outer();
  foreign.vni += 1000;
  refused(encapsulated(foreign, inner()), "FOREIGN_VNI");
}

TEST_F(Crafted, UnknownVtepIsDropped) {
  // In xdp mode the TC program remembers frames whose source it does not know any more.
  for (const char* source : {"10.99.0.77", "0.0.0.0"}) {
    SCOPED_TRACE(source);
    Outer unknown = outer();
    unknown.src = source;
    refused(encapsulated(unknown, inner()), "NOT_MEMBER");
  }
}

TEST_F(Crafted, VxlanWithoutVniFlagIsDropped) {
  Outer wrong = outer();
  wrong.flags = 0;
  refused(encapsulated(wrong, inner()), "VXLAN_FLAGS");
}

TEST_F(Crafted, WrongOuterChecksumIsDropped) {
  Bytes frame = encapsulated(outer(), inner());
  frame.at(24) = static_cast<std::uint8_t>(frame.at(24) ^ 0x55U);
  refused(frame, "OUTER_CHECKSUM");
}

TEST_F(Crafted, ForeignInnerDestinationIsDropped) {
  Container stranger;
  stranger.mac = "02:42:c0:a8:07:63";
  stranger.address = pair_.a->address;
  refused(encapsulated(outer(), datagram(*pair_.b, stranger, 43000, 50)), "NOT_LOCAL");
}

TEST_F(Crafted, FrameCutAtEveryLengthIsNeverDelivered) {
  const Bytes whole = encapsulated(outer(), inner());
  ASSERT_TRUE(arrives(whole));
  std::uint64_t before = 0;
  const std::vector<std::string> reasons{"NONE",           "MALFORMED",     "OUTER_LENGTH",
                                         "OUTER_CHECKSUM", "OUTER_OPTIONS", "VXLAN_FLAGS",
                                         "INNER_MALFORMED"};
  const auto counted = [&] {
    std::uint64_t sum = 0;
    for (const std::string& reason : reasons) {
      sum += pair_.lab.host(1).counter(reason);
    }
    return sum;
  };
  before = pair_.lab.host(1).counter("OUTER_LENGTH");
  const std::uint64_t all_before = counted();
  const std::size_t delivered = arrival_.count(is(inner()));

  for (std::size_t length = 14; length < whole.size(); ++length) {
    send(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
  }

  sleep_for(Milliseconds(200));
  EXPECT_EQ(arrival_.count(is(inner())), delivered);
  // From the whole outer header on it is ours and its lengths disagree.
  if (counts("OUTER_LENGTH")) {
    EXPECT_GE(pair_.lab.host(1).counter("OUTER_LENGTH") - before, whole.size() - 50);
  }
  EXPECT_LE(counted() - all_before, whole.size() - 14 + 20) << "counted once each";
  EXPECT_TRUE(arrives(whole));
}

TEST(Source, ForeignMacAndAddressOfAContainerAreDropped) {
  Pair pair;
  Host& host = pair.lab.host(1);
  const Capture arrival(pair.b->netns, "eth0");
  Container liar;
  liar.mac = "02:42:c0:a8:07:0d";
  liar.address = pair.a->address;
  const Bytes wrong_mac = datagram(liar, *pair.b, 44000);
  liar.mac = pair.a->mac;
  liar.address = "192.168.7.200";
  const Bytes wrong_address = datagram(liar, *pair.b, 44001);
  const Bytes right = datagram(*pair.a, *pair.b, 44002);
  const std::uint64_t mac_before = host.counter("SPOOF_MAC");
  const std::uint64_t ip_before = host.counter("SPOOF_IP");

  const RawSender sender(pair.a->netns, "eth0");
  sender.send(wrong_mac);
  sender.send(wrong_address);
  sender.send(right);

  EXPECT_TRUE(wait_until([&] { return arrival.count(is(right)) == 1; }, Seconds(2)));
  EXPECT_EQ(arrival.count(is(wrong_mac)) + arrival.count(is(wrong_address)), 0U);
  EXPECT_EQ(host.counter("SPOOF_MAC"), mac_before + 1);
  EXPECT_EQ(host.counter("SPOOF_IP"), ip_before + 1);
}

}  // namespace
}  // namespace vtepd::test
