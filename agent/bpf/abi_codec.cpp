// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/abi_codec.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>

#include <arpa/inet.h>

namespace vtepd::abi {

namespace {

constexpr std::uint32_t kIfIndexBits = 32;
constexpr std::uint32_t kMappedBits = 96;  // ::ffff:0:0/96 in front of an IPv4 address

template <std::size_t N>
void put(__u8 (&to)[N], std::span<const std::uint8_t> from) {
  static_assert(N > 0);
  std::memcpy(&to[0], from.data(), N);
}

template <std::size_t N>
std::array<std::uint8_t, N> take(const __u8 (&from)[N]) {
  std::array<std::uint8_t, N> to{};
  std::memcpy(to.data(), &from[0], N);
  return to;
}

std::uint16_t clamp16(std::uint32_t value) {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(value, std::numeric_limits<std::uint16_t>::max()));
}

void put16(std::span<std::uint8_t> at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8U);
  at[1] = static_cast<std::uint8_t>(value);
}

// One's complement sum of the 16-bit words, folded, not complemented.
std::uint32_t folded_sum(std::span<const std::uint8_t> header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header.size(); i += 2) {
    sum += static_cast<std::uint32_t>(header[i] << 8U | header[i + 1]);
  }
  sum = (sum & 0xffffU) + (sum >> 16U);
  return (sum & 0xffffU) + (sum >> 16U);
}

// Outer IPv4, UDP and VXLAN header, without what differs from packet to packet.
std::array<std::uint8_t, VTEP_OUTER4_LEN> outer_header(const PeerEntry& peer, std::uint16_t port) {
  std::array<std::uint8_t, VTEP_OUTER4_LEN> header{};
  const std::span<std::uint8_t> ip(header.data(), 20);
  const std::span<std::uint8_t> udp(header.data() + 20, 8);
  const std::span<std::uint8_t> vxlan(header.data() + 28, 8);
  ip[0] = 0x45;                  // version 4, five words
  put16(ip.subspan(6), 0x4000);  // DF
  ip[8] = 64;                    // TTL
  ip[9] = 17;                    // UDP
  std::copy_n(peer.local.bytes.begin() + 12, 4, ip.begin() + 12);
  std::copy_n(peer.remote.bytes.begin() + 12, 4, ip.begin() + 16);
  put16(ip.subspan(10), folded_sum(ip));
  put16(udp.subspan(2), port);
  vxlan[0] = 0x08;  // the VNI is valid (RFC 7348 section 5)
  return header;
}

}  // namespace

vtep_fdb_key encode(const FdbKey& key) {
  vtep_fdb_key out{};
  out.vni = key.vni.value;
  put(out.mac, key.mac.bytes);
  return out;
}

FdbKey decode(const vtep_fdb_key& key) {
  return {Vni{key.vni}, MacAddress{take(key.mac)}};
}

vtep_fdb_value encode(const FdbEntry& entry) {
  return {.vtep = entry.vtep_id,
          .ifindex = entry.ifindex.value,
          .flags = entry.same_netns ? VTEP_FDB_SAME_NETNS : 0U};
}

FdbEntry decode(const vtep_fdb_value& value) {
  return {.vtep_id = value.vtep,
          .ifindex = IfIndex{value.ifindex},
          .same_netns = (value.flags & VTEP_FDB_SAME_NETNS) != 0};
}

vtep_neigh_key encode(const NeighbourKey& key) {
  vtep_neigh_key out{};
  out.vni = key.vni.value;
  put(out.addr, key.address.bytes);
  return out;
}

NeighbourKey decode(const vtep_neigh_key& key) {
  return {Vni{key.vni}, IpAddress{take(key.addr)}};
}

vtep_neigh_value encode(const MacAddress& mac) {
  vtep_neigh_value out{};
  put(out.mac, mac.bytes);
  return out;
}

MacAddress decode(const vtep_neigh_value& value) {
  return MacAddress{take(value.mac)};
}

Result<vtep_peer> encode(const PeerEntry& peer, std::uint16_t port) {
  if (!peer.remote.is_v4() || !peer.local.is_v4()) {
    return fail(ErrorKind::Invalid, "VTEP " + peer.remote.to_string() + " from " +
                                        peer.local.to_string() +
                                        ": the BPF data path carries IPv4 underlays only");
  }
  vtep_peer out{};
  put(out.remote, peer.remote.bytes);
  put(out.local, peer.local.bytes);
  put(out.next_hop, peer.next_hop.bytes);
  out.ifindex = peer.ifindex.value;
  out.mtu = clamp16(peer.mtu);
  out.flags = peer.reachable ? 0 : VTEP_PEER_UNREACHABLE;
  put(out.header, outer_header(peer, port));
  return out;
}

PeerEntry decode(const vtep_peer& peer) {
  return {.remote = IpAddress{take(peer.remote)},
          .local = IpAddress{take(peer.local)},
          .next_hop = IpAddress{take(peer.next_hop)},
          .ifindex = IfIndex{peer.ifindex},
          .mtu = peer.mtu,
          .reachable = (peer.flags & VTEP_PEER_UNREACHABLE) == 0};
}

vtep_port encode(const PortEntry& port) {
  vtep_port out{};
  out.vni = port.vni.value;
  out.peer_ifindex = port.endpoint_ifindex.value;
  put(out.mac, port.mac.bytes);
  const auto flag = [&](bool on, std::uint32_t bit) { out.flags |= on ? bit : 0U; };
  flag(!port.source_check, VTEP_PORT_NO_SOURCE_CHECK);
  flag(port.same_netns, VTEP_PORT_SAME_NETNS);
  flag(!port.allowed_addresses.empty(), VTEP_PORT_ALLOW_ADDR);
  flag(!port.allowed_macs.empty(), VTEP_PORT_ALLOW_MAC);
  flag(port.ipv6, VTEP_PORT_IPV6);
  if (port.address4) {
    out.flags |= VTEP_PORT_ADDR4;
    put(out.addr4, std::span(port.address4->bytes).last<4>());
  }
  if (port.address6) {
    out.flags |= VTEP_PORT_ADDR6;
    put(out.addr6, port.address6->bytes);
  }
  return out;
}

PortEntry decode(const vtep_port& port) {
  PortEntry out;
  out.vni = Vni{port.vni};
  out.mac = MacAddress{take(port.mac)};
  out.endpoint_ifindex = IfIndex{port.peer_ifindex};
  out.source_check = (port.flags & VTEP_PORT_NO_SOURCE_CHECK) == 0;
  out.same_netns = (port.flags & VTEP_PORT_SAME_NETNS) != 0;
  out.ipv6 = (port.flags & VTEP_PORT_IPV6) != 0;
  if ((port.flags & VTEP_PORT_ADDR4) != 0) {
    __u32 wire = 0;
    std::memcpy(&wire, &port.addr4[0], sizeof wire);
    out.address4 = IpAddress::v4(ntohl(wire));
  }
  if ((port.flags & VTEP_PORT_ADDR6) != 0) {
    out.address6 = IpAddress{take(port.addr6)};
  }
  return out;
}

vtep_allow_key allow_key(IfIndex ifindex, const IpPrefix& prefix) {
  const IpPrefix network = prefix.network();
  vtep_allow_key out{};
  out.prefixlen = kIfIndexBits + (network.is_v4() ? kMappedBits : 0U) + network.length;
  out.ifindex = htonl(ifindex.value);
  put(out.addr, network.address.bytes);
  return out;
}

std::pair<IfIndex, IpPrefix> decode(const vtep_allow_key& key) {
  IpPrefix prefix{IpAddress{take(key.addr)}, 0};
  const std::uint32_t in_front = kIfIndexBits + (prefix.is_v4() ? kMappedBits : 0U);
  prefix.length =
      static_cast<std::uint8_t>(key.prefixlen > in_front ? key.prefixlen - in_front : 0U);
  return {IfIndex{ntohl(key.ifindex)}, prefix};
}

vtep_allow_mac_key allow_key(IfIndex ifindex, const MacAddress& mac) {
  vtep_allow_mac_key out{};
  out.ifindex = ifindex.value;
  put(out.mac, mac.bytes);
  return out;
}

std::pair<IfIndex, MacAddress> decode(const vtep_allow_mac_key& key) {
  return {IfIndex{key.ifindex}, MacAddress{take(key.mac)}};
}

vtep_vni encode(const VniEntry& vni, std::uint32_t slot) {
  vtep_vni out{};
  out.slot = slot;
  out.mtu = clamp16(vni.mtu);
  out.unknown = VTEP_POLICY_DROP;
  out.bum = VTEP_POLICY_DROP;
  out.dscp = vni.dscp;
  return out;
}

VniEntry decode(const vtep_vni& vni) {
  return {.mtu = vni.mtu, .dscp = vni.dscp};
}

vtep_member_key encode(const MemberKey& member) {
  vtep_member_key out{};
  out.vni = member.vni.value;
  put(out.vtep, member.vtep.bytes);
  return out;
}

MemberKey decode(const vtep_member_key& key) {
  return {Vni{key.vni}, IpAddress{take(key.vtep)}};
}

DataplaneEvent decode(const vtep_event& event) {
  return {.reason = event.reason,
          .vni = Vni{event.vni},
          .ifindex = IfIndex{event.ifindex},
          .mac = MacAddress{take(event.mac)},
          .address = IpAddress{take(event.addr)}};
}

}  // namespace vtepd::abi
