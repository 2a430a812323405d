// SPDX-License-Identifier: GPL-2.0-only
// Large segments stay whole as long as the devices on the way carry them.
#include "support/datagrams.h"
#include "support/kernel.h"
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

// What leaves an endpoint may be longer than 64 KB where the kernel cuts it anyway.
class OffloadLongFrames : public ::testing::Test {
 protected:
  void cut_in_front_of_the_device(bool kernel_cuts) {
    const std::string state = kernel_cuts ? "off" : "on";
    const Outcome set =
        host().netns().exec({"ethtool", "-K", underlay_device_name(1), "gso", state, "tso", state});
    ASSERT_TRUE(set.ok()) << set.text();
  }

  [[nodiscard]] bool are_said_to_be(const std::string& length) {
    return wait_until(
        [&] { return host().datapath().at("tcp_frames").get<std::string>().starts_with(length); },
        Seconds(5));
  }

  // The longest frame that `a` sends to `to` while that gets everything.
  std::size_t longest_sent_to(const Container& to) {
    const Capture sent(pair_.a->netns, "eth0", 128);
    EXPECT_EQ(tcp_transfer(pair_.a->netns, to.netns, to.address, kBytes), kBytes);
    std::size_t longest = 0;
    for (const Frame& frame : sent.frames()) {
      longest = std::max(longest, frame.length);
    }
    return longest;
  }

  Host& host() { return pair_.lab.host(1); }

  static constexpr std::size_t kUsual = 65536 + 14;
  static constexpr std::size_t kLongest = 3 * 65536;
  Pair pair_;
  const bool possible_ = !on_kernel_path() && kernel_is_since(6, 3);
};

TEST_F(OffloadLongFrames, LeaveEndpointsWhereTheUnderlayDoesNotCutThem) {
  cut_in_front_of_the_device(true);
  ASSERT_TRUE(are_said_to_be(possible_ ? "up to 192 KiB" : "up to 64 KiB: "));
  const Capture wire = pair_.lab.wire(1, 128);

  const std::size_t longest = longest_sent_to(*pair_.b);

  EXPECT_EQ(longest > kUsual, possible_) << longest;
  EXPECT_LE(longest, kLongest);
  std::size_t data = 0;
  for (const Frame& frame : wire.frames()) {
    EXPECT_LE(frame.length, kMtu + 64);
    data += frame.is_vxlan() && frame.length == kMtu + 64 ? 1U : 0U;
  }
  EXPECT_GT(data, kBytes / kMss / 2);
  const std::size_t beside = longest_sent_to(host().attach("blue", "192.168.7.21"));
  EXPECT_EQ(beside > kUsual, possible_) << beside;
}

TEST_F(OffloadLongFrames, BecomeUsualWhenTheUnderlayCutsThemItself) {
  const Outcome features = host().netns().exec({"ethtool", "-k", underlay_device_name(1)});
  if (!possible_ || features.out.find("tx-udp_tnl-segmentation: on") == std::string::npos) {
    GTEST_SKIP() << "needs Linux 6.3, the BPF data path, and an underlay device that segments "
                    "tunnel frames itself";
  }
  EXPECT_TRUE(are_said_to_be("up to 64 KiB: " + underlay_device_name(1) + " cuts"));
  EXPECT_LE(longest_sent_to(*pair_.b), kUsual);

  cut_in_front_of_the_device(true);
  EXPECT_TRUE(are_said_to_be("up to 192 KiB"));
  EXPECT_GT(longest_sent_to(*pair_.b), kUsual);

  cut_in_front_of_the_device(false);
  EXPECT_TRUE(are_said_to_be("up to 64 KiB: " + underlay_device_name(1) + " cuts"));
  EXPECT_LE(longest_sent_to(*pair_.b), kUsual);
}

TEST_F(OffloadLongFrames, AreNotHadWhereTheConfigurationSaysNo) {
  cut_in_front_of_the_device(true);
  host().stop();
  host().set_datapath("big_tcp = \"off\"\n");
  host().start();
  EXPECT_TRUE(are_said_to_be("up to 64 KiB: "));
  EXPECT_LE(longest_sent_to(*pair_.b), kUsual);
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
