// SPDX-License-Identifier: GPL-2.0-only
// LinkManager: what it refuses, and that nothing stays behind.
#include "netlink/bench.h"
#include "netlink/link_manager.h"

namespace vtepd::netlink::test {
namespace {

class PortFailureTest : public NetlinkTest {
 protected:
  void SetUp() override {
    NetlinkTest::SetUp();
    if (!IsSkipped()) {
      manager_ = must(LinkManager::create());
    }
  }

  // Nothing but the loopback.
  static void expect_no_links() {
    EXPECT_EQ(run("ip -br link | grep -vc \"^lo \" || true"), "0\n") << run("ip link");
  }

  std::unique_ptr<LinkManager> manager_;
};

TEST_F(PortFailureTest, OneNameForBothEndsIsRefusedOnlyInOneNamespace) {
  const Namespace container;
  const auto own = must(manager_->open_netns("/proc/self/ns/net"));
  const auto netns = must(manager_->open_netns(container.path()));
  auto spec = port_spec(1);
  spec.ifname = spec.host_ifname;

  expect_error(manager_->create_port(own, spec), ErrorKind::Invalid, {"vtep00000001"});
  must(manager_->create_port(netns, spec));
}

TEST_F(PortFailureTest, TakenNameIsAConflictThatNamesItAndTheNamespace) {
  const Namespace container;
  static_cast<void>(container.run("ip link add eth0 type bridge"));
  const auto netns = must(manager_->open_netns(container.path()));

  expect_error(manager_->create_port(netns, port_spec(1)), ErrorKind::Conflict,
               {"'eth0'", "namespace net:["});
  expect_no_links();

  run("ip link add vtep00000001 type bridge");
  auto other = port_spec(1);
  other.ifname = "eth1";
  expect_error(manager_->create_port(netns, other), ErrorKind::Conflict,
               {"'vtep00000001'", "vtepd's own namespace"});
  EXPECT_EQ(container.run("ip -br link show | grep -c eth1 || true"), "0\n");
}

TEST_F(PortFailureTest, ImpossibleRequestsAreInvalidAndLeaveNothing) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  for (const char* name : {"", "sixteen-letters-", "a/b", "a b", "a\tb", "eth%d", "a:b", ".", "..",
                           "all", "default"}) {
    auto spec = port_spec(1);
    spec.ifname = name;
    expect_error(manager_->create_port(netns, spec), ErrorKind::Invalid, {"interface name", name});
    spec = port_spec(1);
    spec.host_ifname = name;
    expect_error(manager_->create_port(netns, spec), ErrorKind::Invalid, {"interface name", name});
  }
  auto spec = port_spec(1);
  spec.mtu = 67;
  expect_error(manager_->create_port(netns, spec), ErrorKind::Invalid, {"67", "68 ... 65535"});
  spec = port_spec(1, true);
  spec.mtu = 1279;
  expect_error(manager_->create_port(netns, spec), ErrorKind::Invalid, {"1279", "1280"});
  spec = port_spec(1, true);
  spec.ipv6 = false;
  expect_error(manager_->create_port(netns, spec), ErrorKind::Invalid, {"2001:db8::1/64"});
  spec = port_spec(1);
  spec.mac = MacAddress{};
  expect_error(manager_->create_port(netns, spec), ErrorKind::Invalid, {"unicast"});
  expect_no_links();

  spec = port_spec(1);
  spec.ifname = "fifteen-letters";
  spec.mtu = 68;
  must(manager_->create_port(netns, spec));
  must(manager_->bring_up(netns, spec));
}

TEST_F(PortFailureTest, ClosedDescriptorIsACleanError) {
  Netns netns = must(manager_->open_netns("/proc/self/ns/net"));
  netns.own = false;
  netns.fd.reset();
  EXPECT_FALSE(manager_->create_port(netns, port_spec(1)));
  EXPECT_FALSE(manager_->bring_up(netns, port_spec(1)));
  expect_no_links();
}

TEST_F(PortFailureTest, NamespaceDeletedInTheMiddleIsHeldUntilLetGo) {
  Namespace container;
  auto netns = must(manager_->open_netns(container.path()));
  must(manager_->create_port(netns, port_spec(1)));
  const auto path = container.path();

  container.close();

  must(manager_->bring_up(netns, port_spec(1)));
  EXPECT_FALSE(manager_->open_netns(path));
  must(manager_->remove_port(port_spec(1).host_ifname));
  expect_no_links();
}

TEST_F(PortFailureTest, EndpointDeletedFromInsideMakesBringUpFailCleanly) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  must(manager_->create_port(netns, port_spec(1)));
  static_cast<void>(container.run("ip link del eth0"));

  expect_error(manager_->bring_up(netns, port_spec(1)), ErrorKind::NotFound, {"eth0"});
  expect_no_links();
}

TEST_F(PortFailureTest, RemovalIsIdempotentAndSparesWhatIsNoPort) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  must(manager_->create_port(netns, port_spec(1)));

  must(manager_->remove_port("vtep00000001"));
  must(manager_->remove_port("vtep00000001"));
  EXPECT_EQ(container.run("ip -br link | grep -c eth0 || true"), "0\n");

  run("ip link add vtep00000002 type bridge");
  expect_error(manager_->remove_port("vtep00000002"), ErrorKind::Conflict, {"vtep00000002"});
  EXPECT_TRUE(must(manager_->find_link("vtep00000002")));
}

}  // namespace
}  // namespace vtepd::netlink::test
