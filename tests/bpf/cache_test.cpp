// SPDX-License-Identifier: GPL-2.0-only
// The caches in front of the tables: what they may keep, under what, and for how long.
#include "bed.h"
#include "place.h"

#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace vtepd::test {
namespace {

constexpr Mac kMacOther(0x12);  // behind the second peer
constexpr std::uint32_t kOtherId = 8;
const Ip4 kOtherVtep = "203.0.113.4";

class Cache : public testing::Test {
 protected:
  Cache() { fill_maps(runner_); }

  // The reason that a frame of A, or one from the underlay, was counted for.
  vtep_reason sent(const Mac& to, int ifindex = devices().port) {
    const Packet frame = from_a(to) / Ipv4{.src = kAddrA, .dst = kAddrR} / Udp{} / Payload(18);
    last_ = runner_.run(Program::FromEp, frame.bytes(), {.ifindex = ifindex});
    return reason();
  }

  vtep_reason arrived(const Ip4& from = kPeerVtep, const Mac& to = kMacA,
                      std::uint32_t vni = kVni) {
    const Packet frame = outer({.vni = vni}, {.src = from, .dst = kVtep}) /
                         Ethernet{.dst = to, .src = kMacR} / Ipv4{.src = kAddrR, .dst = kAddrA} /
                         Udp{} / Payload(18);
    last_ = runner_.run(Program::FromUl, frame.bytes(), {.ifindex = devices().underlay});
    return reason();
  }

  vtep_reason reason() const {
    return last_.counted.size() == 1 ? last_.counted.begin()->first.second : VTEP_NONE;
  }

  // What was decided stays until the next epoch, and not longer.
  template <typename Ask>
  void expect_until_the_epoch(const Ask& ask, vtep_reason before, vtep_reason after,
                              const std::function<void()>& change) {
    ASSERT_EQ(reason_name(ask()), std::string(reason_name(before)));
    runner_.in_the_same_epoch(change);
    EXPECT_EQ(reason_name(ask()), std::string(reason_name(before))) << "kept";
    runner_.set_neigh(kVni, kAddr6B, kMacB);  // any change
    EXPECT_EQ(reason_name(ask()), std::string(reason_name(after)));
  }

  // The outer destination of the last frame.
  [[nodiscard]] Ip4 sent_to() const {
    Ip4 to;
    std::copy_n(last_.frame.begin() + 30, 4, to.bytes.begin());
    return to;
  }

  void add_other_peer() {
    runner_.set_peer(kOtherId, make_peer(kVtep, kOtherVtep,
                                         static_cast<std::uint32_t>(devices().underlay), kPort));
  }

  ProgRunner runner_{make_config()};
  Outcome last_;
};

TEST_F(Cache, InboundHoldsForAnEpoch) {
  const auto ask = [&] { return arrived(); };
  expect_until_the_epoch(ask, VTEP_DECAP, VTEP_NOT_MEMBER,
                         [&] { runner_.remove_member(kVni, kPeerVtep); });
  runner_.set_member(kVni, kPeerVtep);
  expect_until_the_epoch(ask, VTEP_DECAP, VTEP_NOT_LOCAL, [&] { runner_.remove_fdb(kVni, kMacA); });
  runner_.set_fdb(kVni, kMacA, {.vtep = 0, .ifindex = 5, .flags = 0});
  expect_until_the_epoch(ask, VTEP_DECAP, VTEP_FOREIGN_VNI, [&] { runner_.remove_vni(kVni); });
}

TEST_F(Cache, OutboundHoldsForAnEpoch) {
  const auto ask = [&] { return sent(kMacR); };
  expect_until_the_epoch(ask, VTEP_ENCAP, VTEP_UNKNOWN_UNICAST,
                         [&] { runner_.remove_fdb(kVni, kMacR); });
  runner_.set_fdb(kVni, kMacR, {.vtep = kPeerId, .ifindex = 0, .flags = 0});
  expect_until_the_epoch(ask, VTEP_ENCAP, VTEP_UNKNOWN_UNICAST, [&] { runner_.remove_vni(kVni); });
  runner_.set_vni(kVni, {.slot = 1, .mtu = 10, .unknown = 0, .bum = 0, .dscp = 0, .pad = {}});
  EXPECT_EQ(sent(kMacR), VTEP_TOO_BIG);
  runner_.set_vni(kVni, {.slot = 1, .mtu = kMtu, .unknown = 0, .bum = 0, .dscp = 0, .pad = {}});
  auto peer = make_peer(kVtep, kPeerVtep, static_cast<std::uint32_t>(devices().underlay), kPort);
  peer.flags = VTEP_PEER_UNREACHABLE;
  expect_until_the_epoch(ask, VTEP_ENCAP, VTEP_NO_ROUTE, [&] { runner_.set_peer(kPeerId, peer); });
  peer.flags = 0;
  runner_.set_peer(kPeerId, peer);
  const auto port = static_cast<std::uint32_t>(devices().port);
  expect_until_the_epoch(ask, VTEP_ENCAP, VTEP_NO_PORT, [&] { runner_.remove_port(port); });
}

TEST_F(Cache, AnEndpointThatMovesIsFollowedInTheNextEpoch) {
  add_other_peer();
  ASSERT_EQ(sent(kMacR), VTEP_ENCAP);
  EXPECT_EQ(sent_to().bytes, kPeerVtep.bytes);
  runner_.in_the_same_epoch(
      [&] { runner_.set_fdb(kVni, kMacR, {.vtep = kOtherId, .ifindex = 0, .flags = 0}); });
  ASSERT_EQ(sent(kMacR), VTEP_ENCAP);
  EXPECT_EQ(sent_to().bytes, kPeerVtep.bytes);
  runner_.set_fdb(kVni, kMacR, {.vtep = kOtherId, .ifindex = 0, .flags = 0});
  ASSERT_EQ(sent(kMacR), VTEP_ENCAP);
  EXPECT_EQ(sent_to().bytes, kOtherVtep.bytes);
}

// Both ways through one place in turns: each takes it from the other, neither takes its decision.
TEST_F(Cache, NobodyIsServedByAnothersEntry) {
  add_other_peer();
  for (std::uint16_t i = 0; i < 1000; ++i) {
    const Mac mac(static_cast<std::uint16_t>(0x2000 + i));
    const bool odd = i % 2 == 1;
    runner_.in_the_same_epoch([&] {
      runner_.set_fdb(kVni, mac, {.vtep = odd ? kOtherId : kPeerId, .ifindex = 0, .flags = 0});
    });
    ASSERT_EQ(sent(mac), VTEP_ENCAP) << i;
    ASSERT_EQ(sent_to().bytes, odd ? kOtherVtep.bytes : kPeerVtep.bytes) << i;
  }
  ASSERT_EQ(arrived(), VTEP_DECAP);
  for (std::uint16_t i = 0; i < 2000; ++i) {
    const Ip4 stranger =
        ("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250)).c_str();
    ASSERT_EQ(arrived(stranger), VTEP_NOT_MEMBER) << i;
    ASSERT_EQ(arrived(kPeerVtep, Mac(static_cast<std::uint16_t>(0x4000 + i))), VTEP_NOT_LOCAL) << i;
    ASSERT_EQ(arrived(kPeerVtep, kMacA, 1000U + i), VTEP_FOREIGN_VNI) << i;
  }
  EXPECT_EQ(arrived(), VTEP_DECAP);
}

// A destination that two ports have in one place.
Mac shared_by(int one_port, int other_port) {
  for (unsigned number = 0; number < 65536; ++number) {
    Mac mac(0x3000);
    mac.bytes[2] = static_cast<std::uint8_t>(number >> 8U);
    mac.bytes[3] = static_cast<std::uint8_t>(number);
    std::uint32_t end = 0;
    std::memcpy(&end, mac.bytes.data() + 2, sizeof end);
    if (cache_place(end, static_cast<std::uint32_t>(one_port)) ==
        cache_place(end, static_cast<std::uint32_t>(other_port))) {
      return mac;
    }
  }
  throw std::runtime_error("no MAC is in one place for both ports");
}

TEST_F(Cache, AnotherPortIsAskedAboutItself) {
  const Mac to = shared_by(devices().port, devices().underlay);
  runner_.set_fdb(kVni, to, {.vtep = kPeerId, .ifindex = 0, .flags = 0});
  ASSERT_EQ(sent(to), VTEP_ENCAP);
  EXPECT_EQ(sent(to, devices().underlay), VTEP_NO_PORT);
  auto port = make_port();
  port.mac[5] = 0x77;
  runner_.set_port(static_cast<std::uint32_t>(devices().underlay), port);
  ASSERT_EQ(sent(to), VTEP_ENCAP);
  EXPECT_EQ(sent(to, devices().underlay), VTEP_SPOOF_MAC);
}

TEST_F(Cache, WhatFailedIsNotKept) {
  EXPECT_EQ(sent(kNobody), VTEP_UNKNOWN_UNICAST);
  EXPECT_EQ(arrived(kOtherVtep), VTEP_NOT_MEMBER);
  EXPECT_EQ(arrived(kPeerVtep, kNobody), VTEP_NOT_LOCAL);
  runner_.in_the_same_epoch([&] {
    runner_.set_fdb(kVni, kNobody, {.vtep = 0, .ifindex = 5, .flags = 0});
    runner_.set_member(kVni, kOtherVtep);
  });
  EXPECT_EQ(sent(kNobody), VTEP_LOCAL);
  EXPECT_EQ(arrived(kOtherVtep), VTEP_DECAP);
  EXPECT_EQ(arrived(kPeerVtep, kNobody), VTEP_DECAP);
}

// The kernel's hash has a secret: the port is asked of a runner whose cache has not seen the flow.
class FlowCache : public Cache {
 protected:
  static std::uint16_t port_of(ProgRunner& runner, const Packet& packet) {
    const Packet frame = from_a(kMacR) / packet;
    const Outcome outcome = runner.run(Program::FromEp, frame.bytes(), {.ifindex = devices().port});
    EXPECT_EQ(static_cast<int>(outcome.verdict), static_cast<int>(Verdict::Redirect));
    return static_cast<std::uint16_t>(outcome.frame.at(34) << 8 | outcome.frame.at(35));
  }

  // Another destination of which the flow is in the same place.
  static Ip4 shares_a_place(const Ip4& to, std::uint16_t source) {
    const std::uint32_t with =
        word(kAddrA) ^ __builtin_bswap32(std::uint32_t{source} << 16U | Udp{}.dst);
    for (std::uint32_t i = 1; i < 65536; ++i) {
      Ip4 other = to;
      other.bytes[1] = static_cast<std::uint8_t>(other.bytes[1] ^ (i >> 8U));
      other.bytes[2] = static_cast<std::uint8_t>(other.bytes[2] ^ i);
      if (cache_place(word(other), with) == cache_place(word(to), with)) {
        return other;
      }
    }
    throw std::runtime_error("no address shares a place");
  }

  static std::uint32_t word(const Ip4& address) {
    std::uint32_t out = 0;
    std::memcpy(&out, address.bytes.data(), sizeof out);
    return out;
  }

  static Packet flow(std::uint16_t source, const Ip4& to = kAddrR) {
    return Packet(Ipv4{.src = kAddrA, .dst = to}) / Udp{.src = source} / Payload(18);
  }
};

TEST_F(FlowCache, GivesEachFlowTheKernelsPort) {
  std::vector<std::uint16_t> first;
  for (std::uint16_t i = 0; i < 2000; ++i) {  // more than there are places
    first.push_back(port_of(runner_, flow(i)));
    ASSERT_EQ(port_of(runner_, flow(i)), first.back()) << "remembered, " << i;
  }
  for (std::uint16_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(port_of(runner_, flow(i)), first[i]) << "asked again, " << i;
  }
  EXPECT_GT(std::set(first.begin(), first.end()).size(), 1800U);
}

// What has another hash, or one of more than the key, with the very bytes that a flow has there.
TEST_F(FlowCache, ServesNothingThatIsNoPlainFlow) {
  const Ipv4 ip{.src = kAddrA, .dst = kAddrR};
  Ipv4 fragment = ip;
  fragment.fragment = 0x2000;
  Ipv4 later = ip;
  later.fragment = 100;
  Ipv4 options = ip;
  options.options = {0, 1, 0, 9};
  const std::vector<std::pair<std::string, Packet>> others{
      {"fragment", Packet(fragment) / Udp{.src = 7} / Payload(18)},
      {"later fragment", Packet(later) / Udp{.src = 7} / Payload(18)},
      {"options", Packet(options) / Udp{.src = 7} / Payload(18)},
      {"tcp", Packet(ip) / Tcp{.src = 7, .dst = 9} / Payload(18)},
      {"other ports", flow(8)},
      {"other address", flow(7, shares_a_place(kAddrR, 7))},
      {"ipv6", Packet(Ipv6{.src = kAddr6A, .dst = kAddr6R}) / Udp{.src = 7} / Payload(18)},
  };
  for (const auto& [name, packet] : others) {
    SCOPED_TRACE(name);
    ProgRunner fresh(make_config());
    fill_maps(fresh);
    const std::uint16_t right = port_of(fresh, packet);
    port_of(runner_, flow(7));
    port_of(runner_, Packet(ip) / Udp{.src = 1} / Payload(18));
    EXPECT_EQ(port_of(runner_, packet), right);
    EXPECT_EQ(port_of(runner_, packet), right) << "again";
  }
}

TEST(CacheWithoutEpoch, NothingIsKept) {
  ProgRunner runner(make_config());
  runner.in_the_same_epoch([&] { fill_maps(runner); });
  const Bytes frame = (outer() / inner_udp()).bytes();
  const RunOptions at{.ifindex = devices().underlay};
  ASSERT_EQ(runner.run(Program::FromUl, frame, at).verdict, Verdict::Redirect);
  runner.in_the_same_epoch([&] { runner.remove_member(kVni, kPeerVtep); });
  EXPECT_EQ(runner.run(Program::FromUl, frame, at).verdict, Verdict::Drop);
}

// A VNI without a slot, or with one that vtep_traffic does not have, is counted in the hash.
TEST_F(Cache, EveryVniIsCounted) {
  for (const std::uint32_t slot : {0U, 2U, 1000U}) {
    SCOPED_TRACE(slot);
    runner_.set_vni(kVni,
                    {.slot = slot, .mtu = kMtu, .unknown = 0, .bum = 0, .dscp = 0, .pad = {}});
    const std::uint64_t in_hash = slot == 2 ? 0 : 2;
    const std::vector<vtep_reason> reasons{VTEP_ENCAP, VTEP_LOCAL, VTEP_DECAP};
    std::vector<std::uint64_t> before;
    for (const vtep_reason reason : reasons) {
      before.push_back(runner_.in_hash(kVni, reason));
    }
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(sent(kMacR), VTEP_ENCAP);
      EXPECT_EQ(sent(kMacB), VTEP_LOCAL);
      EXPECT_EQ(arrived(), VTEP_DECAP);
    }
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      EXPECT_EQ(runner_.in_hash(kVni, reasons[i]) - before[i], in_hash) << reason_name(reasons[i]);
    }
  }
}

}  // namespace
}  // namespace vtepd::test
