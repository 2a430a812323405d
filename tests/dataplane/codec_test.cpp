// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/abi_codec.h"
#include "dataplane/bench.h"

#include <cstring>

namespace vtepd::test {

namespace {

const Vni kVni{0xabcdef};
const MacAddress kMac{{2, 0x42, 0xc0, 0xa8, 0, 2}};
const IpAddress kV4 = IpAddress::v4(0xc6336401);

PeerEntry peer() {
  return {.remote = IpAddress::v4(0xc0000202),
          .local = IpAddress::v4(0xc0000201),
          .next_hop = IpAddress::v4(0xc00002fe),
          .ifindex = IfIndex{3},
          .mtu = 9000,
          .reachable = false};
}

}  // namespace

TEST(AbiCodec, FdbRoundTrip) {
  const FdbKey key{kVni, kMac};
  const FdbEntry local{.vtep_id = 0, .ifindex = IfIndex{12}, .same_netns = true};
  const FdbEntry remote{.vtep_id = 17, .ifindex = {}, .same_netns = false};

  EXPECT_EQ(abi::decode(abi::encode(key)), key);
  EXPECT_EQ(abi::decode(abi::encode(local)), local);
  EXPECT_EQ(abi::decode(abi::encode(remote)), remote);
}

TEST(AbiCodec, NeighbourAndMemberRoundTrip) {
  const NeighbourKey key{kVni, kV4};
  const MemberKey member{kVni, must(IpAddress::parse("2001:db8::1"))};

  EXPECT_EQ(abi::decode(abi::encode(key)), key);
  EXPECT_EQ(abi::decode(abi::encode(kMac)), kMac);
  EXPECT_EQ(abi::decode(abi::encode(member)), member);
}

TEST(AbiCodec, VniRoundTrip) {
  const VniEntry vni{.mtu = 1450, .dscp = 46};

  EXPECT_EQ(abi::decode(abi::encode(vni, 7)), vni);
  EXPECT_EQ(abi::encode(vni, 7).slot, 7U);
}

TEST(AbiCodec, PeerRoundTrip) {
  EXPECT_EQ(abi::decode(must(abi::encode(peer(), 4789))), peer());
}

TEST(AbiCodec, PeerHeaderIsAsOnTheWire) {
  const vtep_peer encoded = must(abi::encode(peer(), 4789));

  // 4500 + 4000 + 4011 + c000 + 0201 + c000 + 0202 = 24914, folded 4916.
  const std::array<std::uint8_t, VTEP_OUTER4_LEN> wanted{
      0x45, 0, 0, 0, 0,    0,    0x40, 0, 64, 17, 0x49, 0x16, 192, 0, 2, 1, 192, 0,
      2,    2, 0, 0, 0x12, 0xb5, 0,    0, 0,  0,  0x08, 0,    0,   0, 0, 0, 0,   0};
  EXPECT_EQ(std::memcmp(&encoded.header[0], wanted.data(), wanted.size()), 0);
}

TEST(AbiCodec, PeerOverIpv6IsRefused) {
  PeerEntry six = peer();
  six.remote = must(IpAddress::parse("2001:db8::2"));

  const auto encoded = abi::encode(six, 4789);

  ASSERT_FALSE(encoded);
  EXPECT_NE(encoded.error().what.find("2001:db8::2"), std::string::npos);
}

TEST(AbiCodec, PortRoundTrip) {
  PortEntry port;
  port.vni = kVni;
  port.mac = kMac;
  port.address4 = kV4;
  port.address6 = must(IpAddress::parse("2001:db8::7"));
  port.endpoint_ifindex = IfIndex{4};
  port.source_check = false;
  port.same_netns = true;
  port.ipv6 = true;
  EXPECT_EQ(abi::decode(abi::encode(port)), port);

  PortEntry plain;
  plain.vni = kVni;
  plain.mac = kMac;
  EXPECT_EQ(abi::decode(abi::encode(plain)), plain);
}

TEST(AbiCodec, FurtherAddressesAreFlagged) {
  PortEntry port;
  port.allowed_addresses = {must(IpPrefix::parse("10.0.0.0/8"))};
  port.allowed_macs = {kMac};

  EXPECT_EQ(abi::encode(port).flags, VTEP_PORT_ALLOW_ADDR | VTEP_PORT_ALLOW_MAC);
}

TEST(AbiCodec, AllowKeysRoundTripWithoutHostBits) {
  const IfIndex ifindex{258};
  for (const auto* text : {"192.0.2.0/24", "0.0.0.0/0", "198.51.100.7/32", "2001:db8::/64", "::/0",
                           "2001:db8::1/128"}) {
    const IpPrefix prefix = must(IpPrefix::parse(text));
    EXPECT_EQ(abi::decode(abi::allow_key(ifindex, prefix)), std::pair(ifindex, prefix)) << text;
  }
  const auto key = abi::allow_key(ifindex, must(IpPrefix::parse("192.0.2.9/24")));
  EXPECT_EQ(key.prefixlen, 32U + 96U + 24U);
  EXPECT_EQ(key.addr[15], 0);
  EXPECT_EQ(abi::decode(abi::allow_key(ifindex, kMac)), std::pair(ifindex, kMac));
}

TEST(AbiCodec, EventIsDecoded) {
  vtep_event event{};
  event.reason = 29;
  event.vni = kVni.value;
  event.ifindex = 5;
  std::memcpy(&event.mac[0], kMac.bytes.data(), 6);
  std::memcpy(&event.addr[0], kV4.bytes.data(), 16);

  const DataplaneEvent decoded = abi::decode(event);

  EXPECT_EQ(decoded.reason, 29U);
  EXPECT_EQ(decoded.vni, kVni);
  EXPECT_EQ(decoded.ifindex, IfIndex{5});
  EXPECT_EQ(decoded.mac, kMac);
  EXPECT_EQ(decoded.address, kV4);
}

}  // namespace vtepd::test
