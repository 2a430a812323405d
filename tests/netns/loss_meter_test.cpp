// SPDX-License-Identifier: GPL-2.0-only
// The instrument that says "nothing was lost" sees what is lost.
#include "support/loss_meter.h"

#include <optional>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr unsigned kPace = 10000;

class LossMeter : public testing::Test {
 protected:
  LossMeter() {
    near_.ip("link add cable type veth peer name cable netns " + far_.name() +
             "\naddress add 192.0.2.1/24 dev cable\nlink set cable up");
    far_.ip("address add 192.0.2.2/24 dev cable\nlink set cable up");
  }

  void await(std::uint64_t more) const {
    const std::uint64_t before = stream_->received();
    ASSERT_TRUE(wait_until([&] { return stream_->received() >= before + more; }, Seconds(10)));
  }

  void begin() { stream_.emplace(near_, far_, "192.0.2.2", 7001, kPace); }

  void cut() const { far_.ip("link set cable down"); }

  void mend() const { far_.ip("link set cable up"); }

  NetNamespace near_;
  NetNamespace far_;
  std::optional<NumberedStream> stream_;
};

TEST_F(LossMeter, CountsAndNamesWhatACutCableLost) {
  begin();
  await(500);
  cut();
  sleep_for(Milliseconds(50));
  mend();
  await(500);

  const Loss loss = stream_->finish();

  EXPECT_GT(loss.lost, 100U) << loss.text();
  EXPECT_EQ(loss.lost + stream_->received(), loss.sent);
  EXPECT_NE(loss.numbers.find('-'), std::string::npos) << loss.text();
  EXPECT_EQ(loss.overflowed, 0U);
}

TEST_F(LossMeter, SaysNothingWhereNothingIsLost) {
  begin();
  await(1000);

  const Loss loss = stream_->finish();

  EXPECT_EQ(loss.lost, 0U) << loss.text();
  EXPECT_EQ(loss.numbers, "");
  EXPECT_GT(loss.per_second, 0.9 * kPace);
}

TEST_F(LossMeter, TcpIsHeldUpByWhatIsLost) {
  TcpPulse pulse(near_, far_, "192.0.2.2", 7005);
  const auto goes_on = [&](std::uint64_t more) {
    const std::uint64_t before = pulse.replies();
    return wait_until([&] { return pulse.replies() >= before + more; }, Seconds(10));
  };
  ASSERT_TRUE(goes_on(100));
  cut();
  const std::uint64_t held = pulse.replies();
  sleep_for(Milliseconds(20));
  EXPECT_LE(pulse.replies(), held + 1);
  mend();
  ASSERT_TRUE(goes_on(100));

  pulse.finish();

  EXPECT_GE(pulse.longest(), Milliseconds(190));
  EXPECT_EQ(pulse.error(), "");
}

}  // namespace
}  // namespace vtepd::test
