// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/unique_fd.h"
#include "nft/nft_filter.h"
#include "support/capture.h"
#include "support/must.h"
#include "support/netns.h"

#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace vtepd::nft::test {

using vtepd::test::must;

using vtepd::test::Bytes;
using vtepd::test::Capture;
using vtepd::test::Frame;
using vtepd::test::Mac;
using vtepd::test::NetNamespace;
using vtepd::test::Packet;
using vtepd::test::RawSender;

inline constexpr std::uint16_t kPort = 4789;
inline constexpr Vni kVni{256};
inline constexpr const char* kVtep = "198.51.100.1";
// Host ends; the other ends are p1 and p2, that of the vxlan device's stand-in is wire.
inline constexpr const char* kPort1 = "vtep00000001";
inline constexpr const char* kPort2 = "vtep00000002";
inline constexpr Mac kMac1{1};
inline constexpr Mac kMac2{2};

MacAddress mac_address(const Mac& mac);
IpPrefix prefix(const std::string& text);
IpAddress address(const std::string& text);
// Port 1 has 192.0.2.1 and, with IPv6, 2001:db8::1 and the link-local address of kMac1; port 2
// likewise.
FilterPort filter_port(int number, bool ipv6);
FilterDelta putting(const FilterState& state);

// The main thread plays the daemon in a namespace of its own. In the hidden one a bridge has two
// ports and "vx256", which is the end of a veth pair here.
class NftTest : public ::testing::Test {
 protected:
  void SetUp() override;
  // The bridge forwards between its ports some time after they are up.
  void wait_for_ports() const;

  std::unique_ptr<NftFilter> open();
  // Opens filter_ and puts usual() with this as the first port.
  void start(const FilterPort& port);
  // Both ports with IPv6, the VNI, and 198.51.100.2 as its member.
  static FilterState usual();
  // Shell commands in the hidden namespace or the daemon's; the output, or a failure.
  [[nodiscard]] std::string hidden_run(const std::string& command) const;
  [[nodiscard]] std::string daemon_run(const std::string& command) const;
  static std::uint64_t packets(NftFilter& filter, std::uint32_t reason, Vni vni = kVni);

  NetNamespace daemon_;
  NetNamespace hidden_;
  NetNamespace far_;
  UniqueFd hidden_fd_;
  std::unique_ptr<NftFilter> filter_;
};

}  // namespace vtepd::nft::test
