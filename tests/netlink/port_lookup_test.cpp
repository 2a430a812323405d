// SPDX-License-Identifier: GPL-2.0-only
// LinkManager: what it finds.
#include "netlink/bench.h"
#include "netlink/link_manager.h"

#include <algorithm>

namespace vtepd::netlink::test {
namespace {

class PortLookupTest : public NetlinkTest {
 protected:
  void SetUp() override {
    NetlinkTest::SetUp();
    if (!IsSkipped()) {
      manager_ = must(LinkManager::create());
    }
  }

  std::unique_ptr<LinkManager> manager_;
};

TEST_F(PortLookupTest, FindsAPortBeforeAndAfterItIsUp) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto links = must(manager_->create_port(netns, port_spec(1)));

  const auto down = must(manager_->find_port(netns, "eth0", "vtep00000001"));
  must(manager_->bring_up(netns, port_spec(1)));
  const auto up = must(manager_->find_port(netns, "eth0", "vtep00000001"));

  ASSERT_TRUE(down && up);
  EXPECT_FALSE(down->up);
  EXPECT_TRUE(up->up);
  EXPECT_EQ(up->host, links.host);
  EXPECT_EQ(up->endpoint, links.endpoint);
  EXPECT_EQ(up->mac, port_spec(1).mac);
}

TEST_F(PortLookupTest, OneEndMissing) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  must(manager_->create_port(netns, port_spec(1)));

  EXPECT_FALSE(must(manager_->find_port(netns, "eth1", "vtep00000001")));
  EXPECT_FALSE(must(manager_->find_port(netns, "eth0", "vtep00000002")));
}

TEST_F(PortLookupTest, AnotherPairWithTheSameNameIsNoMatch) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  auto second = port_spec(2);
  second.ifname = "eth1";
  must(manager_->create_port(netns, port_spec(1)));
  must(manager_->create_port(netns, second));

  EXPECT_FALSE(must(manager_->find_port(netns, "eth0", "vtep00000002")));
  EXPECT_FALSE(must(manager_->find_port(netns, "eth1", "vtep00000001")));
  EXPECT_TRUE(must(manager_->find_port(netns, "eth1", "vtep00000002")));
}

// Fresh namespaces number their interfaces alike, so the indices cannot tell these two apart.
TEST_F(PortLookupTest, SameNameAndIndexInAnotherNamespaceIsNoMatch) {
  const Namespace first;
  const Namespace second;
  const auto a = must(manager_->open_netns(first.path()));
  const auto b = must(manager_->open_netns(second.path()));
  const auto links_a = must(manager_->create_port(a, port_spec(1)));
  const auto links_b = must(manager_->create_port(b, port_spec(2)));
  ASSERT_EQ(links_a.endpoint, links_b.endpoint);

  EXPECT_FALSE(must(manager_->find_port(b, "eth0", "vtep00000001")));
  EXPECT_FALSE(must(manager_->find_port(a, "eth0", "vtep00000002")));
  EXPECT_TRUE(must(manager_->find_port(a, "eth0", "vtep00000001")));
  EXPECT_TRUE(must(manager_->find_port(b, "eth0", "vtep00000002")));
}

TEST_F(PortLookupTest, EndpointMovedToAnotherNamespaceIsNoMatch) {
  const Namespace container;
  const Namespace other;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto away = must(manager_->open_netns(other.path()));
  must(manager_->create_port(netns, port_spec(1)));
  static_cast<void>(container.run("ip link set eth0 netns " + other.path()));

  EXPECT_FALSE(must(manager_->find_port(netns, "eth0", "vtep00000001")));
  EXPECT_TRUE(must(manager_->find_port(away, "eth0", "vtep00000001")));
}

TEST_F(PortLookupTest, InterfaceOfAnotherKindIsNoMatch) {
  const Namespace container;
  static_cast<void>(container.run("ip link add eth0 type bridge"));
  run("ip link add vtep00000001 type bridge");
  const auto netns = must(manager_->open_netns(container.path()));
  EXPECT_FALSE(must(manager_->find_port(netns, "eth0", "vtep00000001")));
}

TEST_F(PortLookupTest, FirstFreeNameSkipsNamesAndAlternativeNames) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  EXPECT_EQ(must(manager_->free_ifname(netns, "eth")), "eth0");

  static_cast<void>(container.run(
      "ip link add eth0 type bridge; ip link add eth2 type bridge; ip link add x type bridge; "
      "ip link property add dev x altname eth1"));

  EXPECT_EQ(must(manager_->free_ifname(netns, "eth")), "eth3");
  EXPECT_EQ(must(manager_->free_ifname(netns, "net")), "net0");
  expect_error(manager_->free_ifname(netns, "fifteen-letters"), ErrorKind::Invalid,
               {"fifteen-letters0"});
}

TEST_F(PortLookupTest, FindsLinksOfTheDaemonsNamespaceOnly) {
  const Namespace container;
  static_cast<void>(container.run("ip link add eth0 type bridge"));
  run("ip link add d0 type bridge");

  EXPECT_TRUE(must(manager_->find_link("d0")));
  EXPECT_FALSE(must(manager_->find_link("eth0")));
  expect_error(manager_->find_link("sixteen-letters-"), ErrorKind::Invalid, {"sixteen-letters-"});
}

TEST_F(PortLookupTest, HostMacsAreThoseOfAllInterfacesHere) {
  run("ip link add d0 address 02:00:5e:00:00:01 type bridge; "
      "ip link add d1 address 02:00:5e:00:00:02 type bridge");

  const auto macs = must(manager_->host_macs());

  EXPECT_EQ(macs, (std::vector<MacAddress>{must(MacAddress::parse("02:00:5e:00:00:01")),
                                           must(MacAddress::parse("02:00:5e:00:00:02"))}));
}

}  // namespace
}  // namespace vtepd::netlink::test
