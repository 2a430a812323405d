// SPDX-License-Identifier: GPL-2.0-only
// With a vxlan device as the daemon makes it: what leaves, what arrives, what it answers itself.
#include "nft/bench.h"
#include "support/packet.h"
#include "vtepd/reasons.h"

namespace vtepd::nft::test {
namespace {

using namespace vtepd::test;

constexpr const char* kRemote = "198.51.100.2";
constexpr Mac kRemoteMac{9};
const Ip6 kOwn6 = "2001:db8::1";
const Ip6 kRemote6 = "2001:db8::9";

class NftWire : public NftTest {
 protected:
  void SetUp() override {
    NftTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    daemon_.ip("link add ul address 02:00:5e:10:00:01 type veth peer name switch netns " +
               far_.name() +
               "\naddress add 198.51.100.1/24 dev ul\nlink set ul up\n"
               "neighbour add 198.51.100.2 lladdr 02:00:5e:10:00:02 dev ul\n"
               "link add vxnew type vxlan id 256 dstport 4789 local 198.51.100.1 dev ul proxy "
               "l2miss l3miss nolearning\nlink set vxnew netns " +
               hidden_.name());
    hidden_.ip(
        "link del vx256\nlink set vxnew name vx256\nlink set vx256 master br256 up\n"
        "neighbour add 192.0.2.9 lladdr 02:00:5e:10:00:09 dev vx256\n"
        "link set vx256 addrgenmode none\n");
    hidden_.sysctl("net/ipv6/conf/vx256/disable_ipv6", "0");
    hidden_.ip("neighbour add 2001:db8::9 lladdr 02:00:5e:10:00:09 dev vx256\n");
    static_cast<void>(
        hidden_run("bridge fdb add 02:00:5e:10:00:09 dev vx256 self dst 198.51.100.2;"
                   "bridge fdb add 02:00:5e:10:00:09 dev vx256 master static;"
                   "bridge fdb add 02:00:5e:10:00:01 dev vtep00000001 master static"));
    far_.ip("link set switch up");
    wait_for_ports();
    filter_ = open();
    must(filter_->apply(putting(usual())));
  }

  void expect_counted(std::uint32_t reason, std::uint64_t wanted) {
    EXPECT_TRUE(wait_until([&] { return packets(*filter_, reason) == wanted; }, Seconds(5)))
        << "reason " << reason << ": " << packets(*filter_, reason) << " instead of " << wanted;
  }

  static Packet to_remote() {
    return Ethernet{.dst = kRemoteMac, .src = kMac1} / Ipv4{.dst = "192.0.2.9"} / Udp{} /
           Payload(8);
  }
};

TEST_F(NftWire, WhatLeavesIsCountedAndHasNoMark) {
  daemon_.ip("rule add fwmark 256 blackhole");
  Capture wire(far_, "switch");
  const RawSender sender(far_, "p1");
  const auto is_out = [](const Frame& frame) { return frame.is_vxlan() && frame.vni() == 256; };

  sender.send(to_remote().bytes());
  expect_counted(VTEP_ENCAP, 1);
  EXPECT_TRUE(wait_until([&] { return wire.count(is_out) == 1; }, Seconds(5)));

  sender.send(
      (Ethernet{.dst = kBroadcast, .src = kMac1} / Ipv4{.dst = "192.0.2.255"} / Udp{}).bytes());
  expect_counted(VTEP_BUM, 1);
  sender.send((Ethernet{.dst = kRemoteMac, .src = Mac(3)} / Ipv4{} / Udp{}).bytes());
  expect_counted(VTEP_SPOOF_MAC, 1);
  EXPECT_EQ(packets(*filter_, VTEP_ENCAP), 1U);
  EXPECT_EQ(wire.count(is_out), 1U);
}

TEST_F(NftWire, AnswersOfTheDeviceItselfAreCounted) {
  Capture endpoint(far_, "p1");
  const RawSender sender(far_, "p1");
  sender.send((Ethernet{.dst = kBroadcast, .src = kMac1} /
               Arp{.sender_mac = kMac1, .sender = "192.0.2.1", .target = "192.0.2.9"})
                  .bytes());
  expect_counted(VTEP_ARP_REPLY, 1);
  const auto group = solicited_node_of(kRemote6);
  sender.send((Ethernet{.dst = multicast_mac_of(group), .src = kMac1} /
               Ipv6{.src = kOwn6, .dst = group, .hop_limit = 255} /
               neighbour_solicit(kRemote6, nd_option(1, kMac1)))
                  .bytes());
  expect_counted(VTEP_ND_REPLY, 1);
  EXPECT_EQ(packets(*filter_, VTEP_ENCAP), 0U);
  EXPECT_EQ(packets(*filter_, VTEP_BUM), 0U);
  EXPECT_TRUE(wait_until(
      [&] {
        return endpoint.count([](const Frame& frame) {
          return !frame.outgoing && frame.bytes[6] == 0x02 && frame.bytes[11] == 9;
        }) == 2;
      },
      Seconds(5)))
      << "both answers reach the endpoint";
}

TEST_F(NftWire, TaggedFramesAndThoseForManyAreNotCarried) {
  Capture endpoint(far_, "p1");
  const RawSender sender(far_, "switch");
  const auto ip = Ipv4{.src = "192.0.2.9", .dst = "192.0.2.1"} / Udp{} / Payload(8);
  const auto send = [&](const Bytes& inner) {
    sender.send((Ethernet{.dst = Mac(1), .src = Mac(2)} / Ipv4{.src = kRemote, .dst = kVtep} /
                 Udp{.dst = kPort, .checksum = 0} / Vxlan{.vni = 256} / Payload(inner))
                    .bytes());
  };
  send((Ethernet{.dst = kMac1, .src = kRemoteMac} / Vlan{} / ip).bytes());
  expect_counted(VTEP_VLAN_TAGGED, 1);
  send((Ethernet{.dst = kBroadcast, .src = kRemoteMac} / ip).bytes());
  expect_counted(VTEP_BUM, 1);
  send((Ethernet{.dst = kMac1, .src = kRemoteMac} / ip).bytes());
  expect_counted(VTEP_DECAP, 1);
  const auto from_remote = [](const Frame& frame) {
    return !frame.outgoing && frame.bytes[11] == kRemoteMac.bytes[5];
  };
  EXPECT_TRUE(wait_until([&] { return endpoint.count(from_remote) == 1; }, Seconds(5)));
}

TEST_F(NftWire, WhatArrivesIsCountedUnlessItsSenderIsAStranger) {
  Capture endpoint(far_, "p1");
  const RawSender sender(far_, "switch");
  const Bytes inner = (Ethernet{.dst = kMac1, .src = kRemoteMac} /
                       Ipv4{.src = "192.0.2.9", .dst = "192.0.2.1"} / Udp{} / Payload(8))
                          .bytes();
  const auto outer = [&](const char* source, const char* to = kVtep) {
    return (Ethernet{.dst = Mac(1), .src = Mac(2)} / Ipv4{.src = source, .dst = to} /
            Udp{.dst = kPort, .checksum = 0} / Vxlan{.vni = 256} / Payload(inner))
        .bytes();
  };
  const auto is_inner = [&](const Frame& frame) { return frame.bytes == inner; };

  daemon_.ip("address add 198.51.100.9/24 dev ul");
  sender.send(outer("198.51.100.3"));
  expect_counted(VTEP_NOT_MEMBER, 1);
  sender.send(outer("198.51.100.3", "198.51.100.9"));
  expect_counted(VTEP_GUARD, 1);
  sender.send(outer(kRemote));
  expect_counted(VTEP_DECAP, 1);

  EXPECT_TRUE(wait_until([&] { return endpoint.count(is_inner) == 1; }, Seconds(5)));

  // The twin: without the table both would have arrived.
  static_cast<void>(daemon_run("nft delete table ip vtepd-test"));
  sender.send(outer("198.51.100.3"));
  sender.send(outer("198.51.100.3", "198.51.100.9"));
  EXPECT_TRUE(wait_until([&] { return endpoint.count(is_inner) == 3; }, Seconds(5)));
}

}  // namespace
}  // namespace vtepd::nft::test
