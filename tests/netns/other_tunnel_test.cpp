// SPDX-License-Identifier: GPL-2.0-only
// Other tunnels to the VTEP, on the wire: they are the host's, and the host gets them; VXLAN in
// VXLAN is taken off once.
#include "support/frames.h"
#include "support/lab.h"
#include "support/sockets.h"

#include <netinet/in.h>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::uint16_t kGuePort = 6080;

class OtherTunnel : public testing::Test {
 protected:
  [[nodiscard]] Bytes inner() const { return datagram(*pair_.b, *pair_.a, 43000, 50); }

  // From the peer's cable to the VTEP of host 1.
  [[nodiscard]] Packet outer() const {
    return Packet(
        Ethernet{.dst = mac_of(pair_.lab.host(1).mac()), .src = mac_of(pair_.lab.host(2).mac())});
  }

  [[nodiscard]] Packet vxlan(const Bytes& frame) const {
    return Packet(Ipv4{.src = "10.99.0.2", .dst = "10.99.0.1"}) /
           Udp{.src = 40000, .dst = 4789, .checksum = 0} / Vxlan{.vni = vni_} / Payload(frame);
  }

  [[nodiscard]] std::size_t delivered(const Bytes& frame) const {
    return arrival_.count(is(frame));
  }

  void expect_twin() {
    const auto before = delivered(inner());
    sender_.send((outer() / vxlan(inner())).bytes());
    EXPECT_TRUE(wait_until([&] { return delivered(inner()) > before; }, Seconds(2)));
  }

  // A socket of host 1 that gets packets of the protocol.
  [[nodiscard]] Socket listener(int type, int protocol) const {
    return Socket(pair_.lab.host(1).netns(), AF_INET, type, protocol);
  }

  static Bytes received(const Socket& socket) {
    Bytes buffer(2048);
    const auto size = recv(socket.get(), buffer.data(), buffer.size(), 0);
    buffer.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return buffer;
  }

  // The host gets the packet as it is; the endpoint gets nothing, and no counter moves.
  void expect_left_to_host(const Packet& ip, const Socket& socket, const Bytes& payload) {
    expect_twin();
    const auto before = delivered(inner());
    const auto drops = pair_.lab.host(1).show("drops");
    sender_.send((outer() / ip).bytes());
    EXPECT_EQ(received(socket), payload);
    EXPECT_EQ(delivered(inner()), before);
    EXPECT_EQ(pair_.lab.host(1).show("drops"), drops);
    expect_twin();
    EXPECT_TRUE(arrival_.complete());
  }

  void expect_raw(std::uint8_t protocol, const Packet& payload) {
    const Packet ip = Packet(Ipv4{.src = "10.99.0.2", .dst = "10.99.0.1", .proto = protocol}) /
                      Payload(payload.bytes());
    expect_left_to_host(ip, listener(SOCK_RAW, protocol), ip.bytes());
  }

  Pair pair_;
  std::uint32_t vni_ = pair_.lab.vni("blue");
  RawSender sender_{pair_.lab.underlay(), "h1"};
  Capture arrival_{pair_.a->netns, "eth0"};
};

TEST_F(OtherTunnel, GreOfAFrameForAnEndpoint) {
  expect_raw(IPPROTO_GRE, Packet(Payload(Bytes{0, 0, 0x65, 0x58})) / Payload(inner()));
}

TEST_F(OtherTunnel, GreOfVxlan) {
  expect_raw(IPPROTO_GRE, Packet(Payload(Bytes{0, 0, 8, 0})) / vxlan(inner()));
}

TEST_F(OtherTunnel, IpInIpOfVxlan) {
  expect_raw(IPPROTO_IPIP, vxlan(inner()));
}

TEST_F(OtherTunnel, GueOfVxlan) {
  const Socket socket = listener(SOCK_DGRAM, 0);
  socket.bind_to(resolve("10.99.0.1", kGuePort));
  const Packet payload = Packet(Payload(Bytes{0, 4, 0, 0})) / vxlan(inner());
  const Packet ip = Packet(Ipv4{.src = "10.99.0.2", .dst = "10.99.0.1"}) /
                    Udp{.src = 40000, .dst = kGuePort, .checksum = 0} / Payload(payload.bytes());
  expect_left_to_host(ip, socket, payload.bytes());
}

// What is inside is the endpoint's own business: it gets the packet, not the frame in it.
TEST_F(OtherTunnel, VxlanInVxlanIsTakenOffOnce) {
  expect_twin();
  const auto before = delivered(inner());
  const Bytes nested =
      (Packet(Ethernet{.dst = mac_of(pair_.a->mac), .src = mac_of(pair_.b->mac)}) / vxlan(inner()))
          .bytes();
  sender_.send((outer() / vxlan(nested)).bytes());
  EXPECT_TRUE(wait_until([&] { return delivered(nested) == 1; }, Seconds(2)));
  EXPECT_EQ(delivered(inner()), before);
  expect_twin();
}

}  // namespace
}  // namespace vtepd::test
