// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/idle_vxlan.h"

#include "netlink/bench.h"

#include <arpa/inet.h>
#include <sys/socket.h>

namespace vtepd::netlink::test {
namespace {

constexpr std::uint16_t kPort = 4789;

class IdleVxlanTest : public NetlinkTest {
 protected:
  // The kernel's socket, or anybody's.
  static bool port_is_open() { return contains(run("ss -lunH"), ":4789 "); }
};

TEST_F(IdleVxlanTest, IsMadeDownAndClosed) {
  auto idle = must(IdleVxlan::open(kPort));

  const auto index = must(idle.create());

  const auto text = run("ip -d link show vtepx4789");
  for (const char* part : {"vxlan id 16777215 ", "dstport 4789 ", "nolearning", "NOARP",
                           "addrgenmode none", "state DOWN"}) {
    EXPECT_TRUE(contains(text, part)) << part << " is missing in " << text;
  }
  EXPECT_FALSE(contains(text, "external")) << text;
  EXPECT_FALSE(contains(text, "remote")) << text;
  EXPECT_EQ(run("cat /proc/sys/net/ipv6/conf/vtepx4789/disable_ipv6"), "1\n");
  EXPECT_EQ(run("bridge fdb show dev vtepx4789"), "");
  EXPECT_EQ(must(idle.find()), index);
  EXPECT_FALSE(port_is_open());
}

TEST_F(IdleVxlanTest, SettingItUpOpensThePortAndRemovingItClosesIt) {
  auto idle = must(IdleVxlan::open(kPort));
  must(idle.create());

  must(idle.set_up());

  EXPECT_TRUE(port_is_open());
  EXPECT_EQ(run("ip -o address show dev vtepx4789"), "");
  must(idle.remove());
  EXPECT_FALSE(port_is_open());
  EXPECT_EQ(must(idle.find()), std::nullopt);
  must(idle.remove());
}

TEST_F(IdleVxlanTest, ExistingOneIsAdoptedAndMended) {
  auto first = must(IdleVxlan::open(kPort));
  const auto index = must(first.create());
  must(first.set_up());
  run("ip link set vtepx4789 arp on; ip link set vtepx4789 addrgenmode eui64");

  auto second = must(IdleVxlan::open(kPort));
  EXPECT_EQ(must(second.create()), index);
  must(second.set_up());

  const auto text = run("ip -d link show vtepx4789");
  EXPECT_TRUE(contains(text, "NOARP")) << text;
  EXPECT_TRUE(contains(text, "addrgenmode none")) << text;
}

TEST_F(IdleVxlanTest, SharesThePortWithOtherPlainDevices) {
  run("ip link add before type vxlan id 5 dstport 4789; ip link set before up");
  auto idle = must(IdleVxlan::open(kPort));
  must(idle.create());
  must(idle.set_up());
  run("ip link add after type vxlan id 6 dstport 4789; ip link set after up");
  must(idle.remove());
  EXPECT_TRUE(port_is_open());
}

TEST_F(IdleVxlanTest, TwoPortsSideBySide) {
  auto a = must(IdleVxlan::open(kPort));
  auto b = must(IdleVxlan::open(8472));
  must(a.create());
  must(b.create());
  must(a.set_up());
  must(b.set_up());
  EXPECT_EQ(b.name(), "vtepx8472");
}

TEST_F(IdleVxlanTest, ExternalDeviceOnThePortIsAConflictThatNamesItAndTheCost) {
  run("ip link add ext0 type vxlan external dstport 4789; ip link set ext0 up");
  auto idle = must(IdleVxlan::open(kPort));
  must(idle.create());

  expect_error(idle.set_up(), ErrorKind::Conflict, {"4789", "'ext0'", "external", "1.4"});
  EXPECT_EQ(must(idle.find()), std::nullopt);

  run("ip link del ext0");
  must(idle.create());
  must(idle.set_up());
}

TEST_F(IdleVxlanTest, ForeignSocketOnThePortIsAConflict) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  auto idle = must(IdleVxlan::open(kPort));
  must(idle.create());

  expect_error(idle.set_up(), ErrorKind::Conflict, {"4789", "UDP socket", "1.4"});
  EXPECT_EQ(must(idle.find()), std::nullopt);
}

TEST_F(IdleVxlanTest, ForeignDeviceOfThatNameIsAConflictAndStays) {
  run("ip link add vtepx4789 type bridge");
  auto idle = must(IdleVxlan::open(kPort));

  expect_error(idle.create(), ErrorKind::Conflict, {"'vtepx4789'", "1.4"});

  EXPECT_EQ(must(idle.find()), std::nullopt);
  must(idle.remove());
  EXPECT_TRUE(contains(run("ip -d link show vtepx4789"), "bridge"));
}

TEST_F(IdleVxlanTest, VniTakenByAnotherDeviceOnThePortIsAConflict) {
  run("ip link add other0 type vxlan id 16777215 dstport 4789");
  auto idle = must(IdleVxlan::open(kPort));
  expect_error(idle.create(), ErrorKind::Conflict, {"'other0'", "16777215", "4789"});
}

TEST_F(IdleVxlanTest, SetUpWithoutADeviceIsNotFound) {
  auto idle = must(IdleVxlan::open(kPort));
  expect_error(idle.set_up(), ErrorKind::NotFound, {"vtepx4789"});
  expect_error(IdleVxlan::open(0), ErrorKind::Invalid, {"port"});
}

}  // namespace
}  // namespace vtepd::netlink::test
