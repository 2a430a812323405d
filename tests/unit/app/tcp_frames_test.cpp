// SPDX-License-Identifier: GPL-2.0-only
// How long the TCP frames of endpoints may be, and when that changes.
#include "agent_bed.h"
#include "core/tcp_frame.h"

namespace vtepd {
namespace {

class TcpFramesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bed.sync();
    bed.make_network();
  }

  // What the offloads of the underlay's device are from now on, as the kernel tells it.
  void set_segments(bool on) {
    bed.underlay.segments = on;
    bed.underlay.on_change({});
  }

  [[nodiscard]] std::string status() { return bed.agent->status().tcp_frames; }

  MemoryStore store;
  Bed bed{store};
};

TEST_F(TcpFramesTest, AreLongWhileTheDeviceLeavesTheCuttingToTheKernel) {
  set_segments(false);
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  EXPECT_EQ(bed.links.tcp_frames,
            (std::map<std::string, std::uint32_t>{{"eth0@101", kBigTcpFrame}}));
  EXPECT_EQ(status(), "up to 192 KiB");

  set_segments(true);
  EXPECT_EQ(bed.links.tcp_frames.at("eth0@101"), kUsualTcpFrame);
  EXPECT_EQ(status(), "up to 64 KiB: the underlay's device cuts tunnels itself");
  ASSERT_TRUE(bed.attach("/run/netns/c2"));
  EXPECT_EQ(bed.links.tcp_frames.at("eth0@102"), kUsualTcpFrame);

  set_segments(false);
  EXPECT_EQ(bed.links.tcp_frames.at("eth0@101"), kBigTcpFrame);
  EXPECT_EQ(bed.links.tcp_frames.at("eth0@102"), kBigTcpFrame);
}

TEST_F(TcpFramesTest, AreWrittenOnlyWhenTheyChange) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  bed.links.tcp_frames.clear();
  set_segments(true);
  EXPECT_TRUE(bed.links.tcp_frames.empty());
}

TEST_F(TcpFramesTest, AreWhatTheDeviceWantsAfterARestart) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  bed.stop();
  bed.underlay.segments = false;
  bed.start();
  EXPECT_EQ(bed.links.tcp_frames.at("eth0@101"), kBigTcpFrame);
}

TEST_F(TcpFramesTest, StayUsualWhereTheConfigurationOrTheKernelSaysSo) {
  bed.stop();
  bed.no_big_tcp = "[datapath] big_tcp = \"off\"";
  bed.underlay.segments = false;
  bed.start();
  bed.sync();
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  EXPECT_EQ(bed.links.tcp_frames.at("eth0@101"), kUsualTcpFrame);
  EXPECT_EQ(status(), "up to 64 KiB: [datapath] big_tcp = \"off\"");
}

// Somebody else's namespace may have the name by now.
TEST_F(TcpFramesTest, OfAnotherNamespaceUnderThatNameAreLeftAlone) {
  ASSERT_TRUE(bed.attach("/run/netns/c1"));
  bed.links.tcp_frames.clear();
  bed.links.namespaces["/run/netns/c1"] = 999;
  set_segments(false);
  EXPECT_TRUE(bed.links.tcp_frames.empty());
  EXPECT_EQ(status(), "up to 192 KiB");
}

}  // namespace
}  // namespace vtepd
