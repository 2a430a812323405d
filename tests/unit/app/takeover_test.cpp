// SPDX-License-Identifier: GPL-2.0-only
// When an agent's programs take over from those of an earlier run.
#include "unit/app/agent_bed.h"

#include <algorithm>
#include <vector>

namespace vtepd {
namespace {

class Takeover : public ::testing::Test {
 protected:
  void SetUp() override {
    bed.sync();
    bed.make_network();
    const auto attached = bed.attach("/run/netns/c1");
    ASSERT_TRUE(attached) << attached.error().what;
    port = "port " + attached->endpoint.host_ifname;
    bed.stop();
    bed.dataplane.hooked.clear();
  }

  [[nodiscard]] bool waits() {
    const auto problems = bed.agent->status().problems;
    return std::any_of(problems.begin(), problems.end(), [](const auto& problem) {
      return problem.find("an earlier build") != std::string::npos;
    });
  }

  MemoryStore store;
  Bed bed{store};
  std::string port;
};

TEST_F(Takeover, TablesThatGoOnAreHookedUpAtOnceUnderlayFirst) {
  bed.start();
  EXPECT_EQ(bed.dataplane.hooked, (std::vector<std::string>{"underlay", port, "commit"}));
  EXPECT_FALSE(waits());
  bed.sync();
  EXPECT_EQ(bed.dataplane.hooked.size(), 3U) << "once";
}

TEST_F(Takeover, TablesThatBeganEmptyAreHookedUpWhenTheStoreHasFilledThem) {
  const auto full = bed.dataplane.state;
  bed.dataplane.state = {};
  bed.dataplane.carries = false;

  bed.start();
  EXPECT_TRUE(bed.dataplane.hooked.empty());
  EXPECT_TRUE(waits());
  bed.underlay.device_.mac = *MacAddress::parse("02:00:00:00:00:09");
  bed.underlay.on_change({});
  EXPECT_TRUE(bed.dataplane.hooked.empty()) << "a change of the underlay is no reason either";
  bed.agent->on_store_events(bed.decoder->decode({KvEvent::Kind::Outage, {}, "unmounted"}));
  EXPECT_TRUE(bed.dataplane.hooked.empty());

  bed.sync();
  EXPECT_EQ(bed.dataplane.hooked, (std::vector<std::string>{"underlay", port, "commit"}));
  EXPECT_EQ(bed.dataplane.state, full);
  EXPECT_FALSE(waits());
}

TEST_F(Takeover, LateOneThatFailsIsShownAndTriedAgain) {
  bed.dataplane.carries = false;
  bed.dataplane.refuse_underlay = true;
  bed.start();
  bed.sync();
  EXPECT_TRUE(bed.dataplane.hooked.empty()) << "the ports keep what they have";
  ASSERT_TRUE(waits());
  EXPECT_NE(bed.agent->status().problems.front().find("no native XDP"), std::string::npos);

  bed.dataplane.refuse_underlay = false;
  EXPECT_TRUE(bed.run_until([&] { return bed.dataplane.hooked.size() == 3; }));
  EXPECT_FALSE(waits());
}

TEST_F(Takeover, EndpointDetachedMeanwhileIsGone) {
  bed.dataplane.state = {};
  bed.dataplane.carries = false;
  bed.start();
  const auto name = bed.endpoints()->front().name;

  ASSERT_TRUE(bed.detach(name));

  EXPECT_TRUE(bed.dataplane.ports.empty());
  bed.sync();
  EXPECT_EQ(bed.dataplane.hooked, (std::vector<std::string>{"underlay", "commit"}));
  EXPECT_TRUE(bed.dataplane.state.ports.empty());
}

}  // namespace
}  // namespace vtepd
