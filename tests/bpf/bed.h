// SPDX-License-Identifier: GPL-2.0-only
// The common bed: a namespace with a port and an underlay device, a network with two local
// endpoints and a remote one, and a table of frames with what must become of them.
#pragma once

#include "kernel.h"
#include "support/packet.h"
#include "support/prog_runner.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

inline constexpr std::uint32_t kVni = 42;
inline constexpr std::uint32_t kForeignVni = 43;
inline constexpr std::uint16_t kPort = 4789;
inline constexpr std::uint16_t kMtu = 1450;
inline constexpr std::uint32_t kCookie = 0xc0031e42;
inline constexpr int kLocalIfindex = 77;  // of the other local endpoint's host end
inline constexpr std::uint32_t kPeerId = 7;

inline constexpr Mac kMacA(1);       // behind the port
inline constexpr Mac kMacB(2);       // on the same host
inline constexpr Mac kMacR(0x11);    // behind the peer
inline constexpr Mac kNobody(0x99);  // nowhere
inline constexpr Mac kUnderlayMac(0xf001);
inline constexpr Mac kPeerMac(0xf002);

inline const Ip4 kAddrA = "192.0.2.1";
inline const Ip4 kAddrB = "192.0.2.2";
inline const Ip4 kAddrR = "192.0.2.17";
inline const Ip6 kAddr6A = "2001:db8::1";
inline const Ip6 kAddr6B = "2001:db8::2";
inline const Ip6 kAddr6R = "2001:db8::11";
inline const Ip4 kVtep = "203.0.113.1";
inline const Ip4 kPeerVtep = "203.0.113.2";

// The devices live for the whole process, in a namespace of its own.
struct Devices {
  int port = 0;
  int underlay = 0;  // its MAC is kUnderlayMac
};

const Devices& devices();

vtep_config make_config(std::uint16_t features = kernel_features());
vtep_port make_port(std::uint32_t flags = 0);
// Maps as the agent would write them for the bed.
void fill_maps(ProgRunner& runner, std::uint32_t port_flags = 0);

// A frame from the endpoint A, and the outer headers around one from the peer.
Ethernet from_a(const Mac& dst);
Packet outer(const Vxlan& vxlan = {}, const Ipv4& ip = {.src = kPeerVtep, .dst = kVtep},
             const Udp& udp = {.src = 40000, .dst = kPort, .checksum = 0});
Packet inner_udp();

struct Case {
  std::string name;
  Packet packet;
  Verdict verdict = Verdict::Drop;
  vtep_reason reason = VTEP_NONE;    // NONE: nothing is counted
  std::optional<Packet> expected{};  // unchanged, if absent
  std::optional<std::uint32_t> vni{};
  std::uint32_t port_flags = 0;
  std::function<void(ProgRunner&)> given{};
};

inline void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

inline const auto kCaseName = [](const auto& info) { return info.param.name; };

// Verdict, frame, the one counter, and that no other moved.
void expect_outcome(const Case& test, const Bytes& input, const Outcome& outcome);
// The program on the driver's hook makes of `input` what vtep_from_ul did, or leaves it alone: what
// is dropped or passed, and what is too short to be stripped there.
void expect_strip_agrees(ProgRunner& runner, const Bytes& input, const Outcome& from_ul);
void warm_up(ProgRunner& runner);
// Runs a case of `vtep_from_ep` or `vtep_from_ul` on a fresh set of maps, with the caches empty and
// with what warm_up() left in them.
void run_from_ep(const Case& test, std::uint16_t features = kernel_features());
void run_from_ul(const Case& test);

// The UDP source port follows a hash with a secret of the kernel: checked for its range, then
// set to zero in both frames so that the rest can be compared.
void hide_source_port(Bytes& frame);

}  // namespace vtepd::test
