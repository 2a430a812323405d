// SPDX-License-Identifier: GPL-2.0-only
// Large segments stay whole as long as the devices on the way carry them.
#include "support/datagrams.h"
#include "support/lab.h"
#include "support/traffic.h"
#include "support/underlay_devices.h"
#include "tunnel_note.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::size_t kBytes = 32U << 20U;
constexpr std::size_t kMtu = 1450;
constexpr std::size_t kMss = kMtu - 40 - 12;  // IPv4, TCP, timestamps

TEST(Offload, TcpSegmentOf64KilobytesCrossesAsOneSkb) {
  Pair pair;
  const Outcome features =
      pair.lab.host(1).netns().exec({"ethtool", "-k", underlay_device_name(1)});
  if (features.out.find("tx-udp_tnl-segmentation: on") == std::string::npos) {
    GTEST_SKIP() << "needs an underlay device that segments tunnel frames itself";
  }
  const Capture wire = pair.lab.wire(1, 128);

  ASSERT_EQ(tcp_transfer(pair.a->netns, pair.b->netns, pair.b->address, kBytes), kBytes);

  std::size_t largest = 0;
  std::uint16_t gso_size = 0;
  for (const Frame& frame : wire.frames()) {
    if (frame.is_vxlan() && frame.length > largest) {
      largest = frame.length;
      gso_size = frame.gso_size;
    }
  }
  EXPECT_GT(largest, 60000U);
  // A packet socket cannot describe tunnelled segmentation on every kernel.
  if (gso_size != 0) {
    EXPECT_EQ(gso_size, kMss);
  }
}

TEST(Offload, SegmentedUnderlayCarriesTheContainersMssAndGroMerges) {
  Pair pair;
  const NetNamespace& sender = pair.lab.host(1).netns();
  const NetNamespace& receiver = pair.lab.host(2).netns();
  ASSERT_TRUE(sender.exec({"ethtool", "-K", "eth0", "gso", "off", "tso", "off"}).ok());
  // A veth gives a frame to GRO only if its sending end cannot segment.
  pair.lab.cut_segments(2);
  ASSERT_TRUE(receiver.exec({"ethtool", "-K", "eth0", "gro", "on"}).ok());
  const Capture wire = pair.lab.wire(1, 128);
  const Capture arrival(pair.b->netns, "eth0", 128);

  ASSERT_EQ(tcp_transfer(pair.a->netns, pair.b->netns, pair.b->address, kBytes), kBytes);

  std::size_t full = 0;
  std::size_t data = 0;
  for (const Frame& frame : wire.frames()) {
    if (frame.is_vxlan() && !frame.outgoing && frame.length > 1000) {
      EXPECT_LE(frame.length, kMtu + 64);
      ++data;
      full += frame.length == kMtu + 64 ? 1U : 0U;
    }
  }
  // The capture of a busy machine may lack some of the frames.
  EXPECT_GT(data, kBytes / kMss / 2);
  EXPECT_GT(full, data * 9 / 10) << data << " data frames";
  const std::size_t merged =
      arrival.count([](const Frame& frame) -> bool { return frame.length > 3 * kMtu; });
  EXPECT_GT(merged, 10U) << "no segment reached the container merged";
}

// A NIC that completes checksums needs to be told of the inner headers. What needs no checksum goes
// without: that is for less.
TEST(Offload, FramesWhoseChecksumIsPendingHaveTheirInnerHeadersNoted) {
  if (!TunnelNotes::can_be_read()) {
    GTEST_SKIP() << "this kernel does not let programs read its struct sk_buff";
  }
  constexpr std::size_t kCount = 50;
  Pair pair;
  const TunnelNotes notes(pair.lab.host(1).netns(), underlay_device_name(1));
  const auto send = [&] {
    return send_datagrams(pair.a->netns, pair.b->netns, pair.b->address, {.count = kCount}).arrived;
  };

  EXPECT_EQ(send(), kCount);

  EXPECT_GE(notes.count(true, true), kCount);
  EXPECT_EQ(notes.count(true, false), 0U);

  ASSERT_TRUE(pair.a->netns.exec({"ethtool", "-K", "eth0", "tx", "off"}).ok());
  const std::uint64_t before = notes.count(true, true) + notes.count(false, true);
  EXPECT_EQ(send(), kCount);

  EXPECT_GE(notes.count(false, false), kCount);
  EXPECT_EQ(notes.count(true, true) + notes.count(false, true), before);
}

}  // namespace
}  // namespace vtepd::test
