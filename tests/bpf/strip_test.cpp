// SPDX-License-Identifier: GPL-2.0-only
// What only concerns xdp mode; the tables of the other tests run through vtep_strip as well.
#include "bed.h"

#include <linux/bpf.h>

namespace vtepd::test {
namespace {

class Strip : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_strip()) {
      GTEST_SKIP() << "this kernel does not run the program on a given device";
    }
  }
};

TEST_F(Strip, LeavesFramesOfADeviceThatIsNotInXdpModeAlone) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes frame = (outer() / inner_udp()).bytes();

  const auto elsewhere = runner.strip(frame, devices().port);
  const auto here = runner.strip(frame, devices().underlay);

  EXPECT_FALSE(elsewhere.meta);
  EXPECT_EQ("", difference(frame, elsewhere.frame));
  EXPECT_TRUE(here.meta) << "the positive twin";
}

TEST_F(Strip, FollowsTheDevicesMac) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Bytes frame = (outer() / inner_udp()).bytes();
  ASSERT_TRUE(runner.strip(frame, devices().underlay).meta);

  vtep_underlay changed{};
  changed.mac[0] = 2;
  changed.cookie = kCookie;
  runner.set_underlay(static_cast<std::uint32_t>(devices().underlay), changed);

  EXPECT_FALSE(runner.strip(frame, devices().underlay).meta);
}

// The inner frame needs padding, which the driver's hook leaves to the TC program; that the
// underlay padded the outer one does not make it longer.
TEST_F(Strip, LeavesAShortInnerFrameAloneHoweverPadded) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Packet inner = Packet(Ethernet{.dst = kMacA, .src = kMacR}) / Payload(10);
  const auto size = static_cast<std::uint16_t>(inner.bytes().size());
  const auto length = [&](int headers) { return static_cast<std::uint16_t>(size + headers); };
  const Bytes frame = (outer({}, {.src = kPeerVtep, .dst = kVtep, .length = length(36)},
                             {.src = 1, .dst = kPort, .length = length(16), .checksum = 0}) /
                       inner / Payload(40))
                          .bytes();

  const auto stripped = runner.strip(frame, devices().underlay);

  EXPECT_FALSE(stripped.meta);
  EXPECT_EQ("", difference(frame, stripped.frame));
  EXPECT_EQ(runner.run(Program::FromUl, frame, {.ifindex = devices().underlay}).verdict,
            Verdict::Redirect)
      << "the TC program takes it";
}

TEST_F(Strip, FramesOfTwoNetworksDifferInTheirMetadata) {
  constexpr std::uint32_t kOther = 4242;
  ProgRunner runner(make_config());
  fill_maps(runner);
  runner.set_vni(kOther, {.mtu = kMtu, .unknown = 0, .bum = 0, .dscp = 0, .pad = {}});
  runner.set_member(kOther, kPeerVtep);
  runner.set_fdb(kOther, kMacA, {.vtep = 0, .ifindex = kLocalIfindex, .flags = 0});

  const auto one = runner.strip((outer() / inner_udp()).bytes(), devices().underlay);
  const auto other =
      runner.strip((outer({.vni = kOther}) / inner_udp()).bytes(), devices().underlay);

  EXPECT_EQ("", difference(one.frame, other.frame));
  ASSERT_TRUE(one.meta && other.meta);
  EXPECT_EQ(one.meta->vni, kVni);
  EXPECT_EQ(other.meta->vni, kOther);
}

// Without metadata nothing was stripped, whatever the frame looks like.
TEST(FromXdp, LeavesWhatWasNotStrippedToTheNextProgram) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  for (const Bytes& frame : {inner_udp().bytes(), (outer() / inner_udp()).bytes()}) {
    for (const Program program : {Program::FromXdp, Program::UnderlayGuard}) {
      const auto outcome = runner.run(program, frame, {.ifindex = devices().underlay});
      EXPECT_EQ(outcome.verdict, Verdict::Next);
      EXPECT_EQ("", difference(frame, outcome.frame));
      EXPECT_TRUE(outcome.counted.empty()) << to_string(outcome.counted);
    }
  }
}

}  // namespace
}  // namespace vtepd::test
