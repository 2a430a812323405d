// SPDX-License-Identifier: GPL-2.0-only
#include "bed.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <linux/bpf.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <sched.h>

namespace vtepd::test {

namespace {

void require(bool ok, const char* what) {
  if (!ok) {
    throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  }
}

// A TAP device: Ethernet with a MAC of our choice. Gone with its descriptor, at exit.
int make_device(const char* name, const Mac& mac) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  const int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  require(tap >= 0 && ioctl(tap, TUNSETIFF, &request) == 0, "tap device");
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::ranges::copy(mac.bytes, request.ifr_hwaddr.sa_data);
  require(ioctl(tap, SIOCSIFHWADDR, &request) == 0, "hardware address");
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require(ioctl(socket_fd, SIOCGIFINDEX, &request) == 0, "ifindex");
  return request.ifr_ifindex;
}

}  // namespace

const Devices& devices() {
  static const Devices devices = [] {
    require(unshare(CLONE_NEWNET) == 0, "network namespace");
    return Devices{.port = make_device("port", Mac(0xe001)),
                   .underlay = make_device("underlay", kUnderlayMac)};
  }();
  return devices;
}

vtep_config make_config(std::uint16_t features) {
  vtep_config config{};
  std::ranges::copy(kVtep.bytes, config.vtep4);
  config.port = __builtin_bswap16(kPort);
  config.sport_min = 32768;
  config.sport_max = 60999;
  config.features = features;
  if (const auto& skb = probed_features().kernel_skb) {
    config.summed_byte = skb->summed_byte;
    config.summed_bit = skb->summed_bit;
  }
  return config;
}

vtep_port make_port(std::uint32_t flags) {
  vtep_port port{};
  port.vni = kVni;
  port.flags = VTEP_PORT_ADDR4 | VTEP_PORT_ADDR6 | VTEP_PORT_IPV6 | flags;
  port.peer_ifindex = 2;
  std::ranges::copy(kMacA.bytes, port.mac);
  std::ranges::copy(kAddrA.bytes, port.addr4);
  std::ranges::copy(kAddr6A.bytes, port.addr6);
  return port;
}

void fill_maps(ProgRunner& runner, std::uint32_t port_flags) {
  const auto port = static_cast<std::uint32_t>(devices().port);
  runner.set_port(port, make_port(port_flags));
  vtep_underlay underlay{};
  std::ranges::copy(kUnderlayMac.bytes, underlay.mac);
  underlay.cookie = kCookie;
  runner.set_underlay(static_cast<std::uint32_t>(devices().underlay), underlay);
  runner.set_vni(kVni, {.slot = 1, .mtu = kMtu, .unknown = 0, .bum = 0, .dscp = 0, .pad = {}});
  runner.set_member(kVni, kPeerVtep);
  runner.set_peer(
      kPeerId, make_peer(kVtep, kPeerVtep, static_cast<std::uint32_t>(devices().underlay), kPort));
  runner.set_fdb(kVni, kMacA, {.vtep = 0, .ifindex = port, .flags = 0});
  runner.set_fdb(kVni, kMacB, {.vtep = 0, .ifindex = kLocalIfindex, .flags = 0});
  runner.set_fdb(kVni, kMacR, {.vtep = kPeerId, .ifindex = 0, .flags = 0});
  runner.set_neigh(kVni, Ip6(kAddrA), kMacA);
  runner.set_neigh(kVni, Ip6(kAddrB), kMacB);
  runner.set_neigh(kVni, Ip6(kAddrR), kMacR);
  runner.set_neigh(kVni, kAddr6A, kMacA);
  runner.set_neigh(kVni, kAddr6B, kMacB);
  runner.set_neigh(kVni, kAddr6R, kMacR);
}

Ethernet from_a(const Mac& dst) {
  return {.dst = dst, .src = kMacA};
}

Packet outer(const Vxlan& vxlan, const Ipv4& ip, const Udp& udp) {
  return Ethernet{.dst = kUnderlayMac, .src = kPeerMac} / Packet(ip) / udp / vxlan;
}

Packet inner_udp() {
  return Ethernet{.dst = kMacA, .src = kMacR} / Packet(Ipv4{.src = kAddrR, .dst = kAddrA}) / Udp{} /
         Payload(18);
}

void hide_source_port(Bytes& frame) {
  ASSERT_GE(frame.size(), 36U);
  const int port = frame[34] << 8 | frame[35];
  if (port != 0) {
    EXPECT_GE(port, 32768);
    EXPECT_LT(port, 60999);
  }
  frame[34] = frame[35] = 0;
}

void expect_outcome(const Case& test, const Bytes& input, const Outcome& outcome) {
  EXPECT_EQ(static_cast<int>(test.verdict), static_cast<int>(outcome.verdict));

  Bytes expected = test.expected ? test.expected->bytes() : input;
  Bytes actual = outcome.frame;
  if (test.reason == VTEP_ENCAP) {
    hide_source_port(expected);
    hide_source_port(actual);
  }
  EXPECT_EQ("", difference(expected, actual));

  std::map<CounterKey, vtep_counter> counted;
  if (test.reason != VTEP_NONE) {
    const std::uint64_t stripped = test.reason == VTEP_DECAP ? VTEP_OVERHEAD4 : 0;
    counted[{test.vni.value_or(kVni), test.reason}] = {1, input.size() - stripped};
  }
  EXPECT_EQ(to_string(counted), to_string(outcome.counted));
}

void expect_strip_agrees(ProgRunner& runner, const Bytes& input, const Outcome& from_ul) {
  constexpr std::size_t kShortest = 14 + VTEP_OVERHEAD4 + 20;
  if (!can_strip()) {
    return;
  }
  const auto stripped = runner.strip(input, devices().underlay);

  EXPECT_EQ(stripped.verdict, XDP_PASS);
  if (!from_ul.counted.contains({kVni, VTEP_DECAP}) || input.size() < kShortest) {
    EXPECT_FALSE(stripped.meta);
    EXPECT_EQ("", difference(input, stripped.frame));
    return;
  }
  EXPECT_EQ("", difference(from_ul.frame, stripped.frame));
  ASSERT_TRUE(stripped.meta);
  EXPECT_EQ(stripped.meta->cookie, kCookie);
  EXPECT_EQ(stripped.meta->vni, kVni);
}

// Frames that are forwarded, so that the next ones of their kind are decided by the caches.
void warm_up(ProgRunner& runner) {
  for (const Mac& to : {kMacB, kMacR}) {
    const Packet frame = from_a(to) / Ipv4{.src = kAddrA, .dst = kAddrB} / Udp{} / Payload(18);
    runner.run(Program::FromEp, frame.bytes(), {.ifindex = devices().port});
  }
  const Bytes arriving = (outer() / inner_udp()).bytes();
  runner.run(Program::FromUl, arriving, {.ifindex = devices().underlay});
}

namespace {

// `run` on a fresh set of maps, with the caches empty and with what warm_up() left in them.
template <typename Run>
void run_cold_and_warm(const Case& test, std::uint16_t features, const Run& run) {
  for (const bool warm : {false, true}) {
    SCOPED_TRACE(warm ? "by the cache, where it can be" : "by the tables");
    ProgRunner runner(make_config(features));
    fill_maps(runner, test.port_flags);
    if (test.given) {
      test.given(runner);
    }
    if (warm) {
      warm_up(runner);
    }
    run(runner, warm);
  }
}

}  // namespace

void run_from_ep(const Case& test, std::uint16_t features) {
  const Bytes input = test.packet.bytes();
  run_cold_and_warm(test, features, [&](ProgRunner& runner, bool) {
    expect_outcome(test, input, runner.run(Program::FromEp, input, {.ifindex = devices().port}));
  });
}

void run_from_ul(const Case& test) {
  const Bytes input = test.packet.bytes();
  run_cold_and_warm(test, kernel_features(), [&](ProgRunner& runner, bool warm) {
    const auto outcome = runner.run(Program::FromUl, input, {.ifindex = devices().underlay});
    expect_outcome(test, input, outcome);
    if (!warm) {
      runner.begin_epoch();  // of what the other program found
    }
    expect_strip_agrees(runner, input, outcome);
  });
}

}  // namespace vtepd::test
