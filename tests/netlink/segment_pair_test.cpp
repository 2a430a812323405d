// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/segment_pair.h"

#include "netlink/bench.h"

namespace vtepd::netlink::test {
namespace {

constexpr std::uint16_t kPort = 4789;

class SegmentPairTest : public NetlinkTest {
 protected:
  // Lines of ethtool for what can be turned on and is.
  static std::string offloads(const std::string& name) {
    return run("ethtool -k " + name + " | grep ': on' | grep -v fixed || true");
  }
};

TEST_F(SegmentPairTest, IsMadeDownClosedAndWithoutOffloads) {
  auto pair = must(SegmentPair::open(kPort));

  const auto ends = must(pair.create());

  EXPECT_NE(ends.sending, ends.receiving);
  for (const std::string name : {"vtepsa4789", "vtepsb4789"}) {
    const auto text = run("ip -d link show " + name);
    for (const char* part : {"veth", "mtu 65535", "NOARP", "addrgenmode none", "state DOWN"}) {
      EXPECT_TRUE(contains(text, part)) << part << " is missing in " << text;
    }
    EXPECT_EQ(run("cat /proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"), "1\n");
    EXPECT_EQ(offloads(name), "");
  }
  EXPECT_FALSE(must(pair.find_working()));
  must(pair.set_up());
  EXPECT_EQ(must(pair.find_working()), ends);
  EXPECT_EQ(run("ip -o address show dev vtepsb4789"), "");
  EXPECT_EQ(must(pair.lost()), 0U);
}

TEST_F(SegmentPairTest, ExistingOneIsAdoptedAndMended) {
  auto first = must(SegmentPair::open(kPort));
  const auto ends = must(first.create());
  must(first.set_up());
  run("ethtool -K vtepsa4789 tx on tso on; ethtool -K vtepsb4789 gro on;"
      "ip link set vtepsa4789 mtu 1500 arp on");
  ASSERT_NE(offloads("vtepsa4789"), "") << "the twin: they can be turned on";

  auto second = must(SegmentPair::open(kPort));
  EXPECT_FALSE(must(second.find_working()));
  EXPECT_EQ(must(second.create()), ends);
  must(second.set_up());

  EXPECT_EQ(must(second.find_working()), ends);
  EXPECT_EQ(offloads("vtepsa4789"), "");
  EXPECT_EQ(offloads("vtepsb4789"), "");
  EXPECT_TRUE(contains(run("ip link show vtepsa4789"), "NOARP"));
}

TEST_F(SegmentPairTest, ForeignDeviceOfThatNameIsAConflictAndStays) {
  run("ip link add vtepsb4789 type bridge");
  auto pair = must(SegmentPair::open(kPort));

  expect_error(pair.create(), ErrorKind::Conflict, {"vtepsa4789", "vtepsb4789"});

  EXPECT_FALSE(must(pair.remove()));
  EXPECT_TRUE(contains(run("ip -d link show vtepsb4789"), "bridge"));
}

TEST_F(SegmentPairTest, RemovingTakesBothEndsAndOnlyThem) {
  auto other = must(SegmentPair::open(8472));
  const auto kept = must(other.create());
  must(other.set_up());
  auto pair = must(SegmentPair::open(kPort));
  must(pair.create());

  EXPECT_TRUE(must(pair.remove()));

  EXPECT_FALSE(must(pair.remove()));
  EXPECT_FALSE(contains(run("ip link"), "4789"));
  EXPECT_EQ(must(other.find_working()), kept);
  expect_error(pair.set_up(), ErrorKind::NotFound, {"vtepsa4789"});
}

}  // namespace
}  // namespace vtepd::netlink::test
