// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/link_manager.h"

#include "core/tcp_frame.h"
#include "netlink/bench.h"
#include "netlink/link.h"
#include "netlink/netns.h"
#include "netlink/sysctl.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <unistd.h>

namespace vtepd::netlink::test {
namespace {

class LinkManagerTest : public NetlinkTest {
 protected:
  void SetUp() override {
    NetlinkTest::SetUp();
    if (!IsSkipped()) {
      manager_ = must(LinkManager::create());
    }
  }

  std::string conf(const Netns& netns, const std::string& family, const std::string& ifname,
                   const std::string& key) {
    return must(in_netns(netns.fd.get(),
                         [&] { return read_sysctl(interface_sysctl(family, ifname, key)); }))
        .value_or("none");
  }

  // Nothing but the loopback.
  void expect_no_links() {
    EXPECT_EQ(run("ip -br link | grep -vc \"^lo \" || true"), "0\n") << run("ip link");
  }

  std::unique_ptr<LinkManager> manager_;
};

TEST_F(LinkManagerTest, PortHasItsFinalNameMacAndMtuAndIsDown) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto spec = port_spec(1);

  const auto links = must(manager_->create_port(netns, spec));

  const auto inside = container.run("ip -d link show eth0");
  EXPECT_TRUE(contains(inside, "link/ether 02:42:c0:00:02:01")) << inside;
  EXPECT_TRUE(contains(inside, "mtu 1450")) << inside;
  EXPECT_TRUE(contains(inside, "state DOWN")) << inside;
  EXPECT_TRUE(contains(inside, std::to_string(links.endpoint.value) + ": eth0@")) << inside;
  const auto outside = run("ip -d link show " + spec.host_ifname);
  EXPECT_TRUE(contains(outside, std::to_string(links.host.value) + ": vtep")) << outside;
  EXPECT_TRUE(contains(outside, "mtu 1450")) << outside;
  EXPECT_TRUE(contains(outside, "state DOWN")) << outside;
}

TEST_F(LinkManagerTest, HostEndIsClosed) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto own = must(manager_->open_netns("/proc/self/ns/net"));
  const auto spec = port_spec(1, true);
  const auto forwarding = must(read_sysctl("ipv4/conf/default/forwarding"));

  must(manager_->create_port(netns, spec));
  must(manager_->bring_up(netns, spec));

  const auto text = run("ip -d link show " + spec.host_ifname);
  EXPECT_TRUE(contains(text, "NOARP")) << text;
  EXPECT_TRUE(contains(text, "addrgenmode none")) << text;
  EXPECT_EQ(run("ip -o address show dev " + spec.host_ifname), "");
  EXPECT_EQ(conf(own, "ipv6", spec.host_ifname, "disable_ipv6"), "1");
  EXPECT_EQ(conf(own, "ipv6", spec.host_ifname, "accept_ra"), "0");
  EXPECT_EQ(conf(own, "ipv6", spec.host_ifname, "autoconf"), "0");
  EXPECT_EQ(conf(own, "ipv4", spec.host_ifname, "rp_filter"), "1");
  EXPECT_EQ(conf(own, "ipv4", spec.host_ifname, "forwarding"), forwarding);
}

TEST_F(LinkManagerTest, WithoutIpv6TheEndpointHasNone) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto spec = port_spec(1);

  must(manager_->create_port(netns, spec));
  must(manager_->bring_up(netns, spec));

  EXPECT_EQ(conf(netns, "ipv6", "eth0", "disable_ipv6"), "1");
  EXPECT_EQ(container.run("ip -o -6 address show dev eth0"), "");
  const auto text = container.run("ip -o -4 address show dev eth0");
  EXPECT_TRUE(contains(text, "192.0.2.1/24 brd 192.0.2.255 scope global")) << text;
}

TEST_F(LinkManagerTest, WithIpv6TheAddressIsUsableAtOnceEvenWhereItIsOffByDefault) {
  const Namespace container;
  static_cast<void>(container.run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"));
  const auto netns = must(manager_->open_netns(container.path()));
  const auto spec = port_spec(1, true);

  must(manager_->create_port(netns, spec));
  must(manager_->bring_up(netns, spec));

  const auto text = container.run("ip -o -6 address show dev eth0 scope global");
  EXPECT_TRUE(contains(text, "2001:db8::1/64")) << text;
  EXPECT_FALSE(contains(text, "tentative")) << text;
  EXPECT_TRUE(contains(text, "nodad")) << text;
  EXPECT_TRUE(contains(container.run("ip -6 route show dev eth0"), "2001:db8::/64"));
  EXPECT_EQ(conf(netns, "ipv6", "eth0", "accept_ra"), "0");
  EXPECT_EQ(conf(netns, "ipv6", "eth0", "autoconf"), "0");
  EXPECT_EQ(conf(netns, "ipv6", "eth0", "disable_ipv6"), "0");
}

// One datagram from inside one namespace to an address of another, once, with no retry.
bool datagram_arrives(const Namespace& from, const Namespace& to, int family, const char* address) {
  sockaddr_storage target{};
  socklen_t size = 0;
  if (family == AF_INET) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(9);
    inet_pton(AF_INET, address, &four.sin_addr);
    std::memcpy(&target, &four, size = sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(9);
    inet_pton(AF_INET6, address, &six.sin6_addr);
    std::memcpy(&target, &six, size = sizeof six);
  }
  UniqueFd receiver;
  to.inside([&] {
    receiver.reset(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bind(receiver.get(), reinterpret_cast<sockaddr*>(&target), size);
  });
  from.inside([&] {
    const UniqueFd sender(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sendto(sender.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&target), size);
  });
  // Less than the second after which a lost neighbour request would be repeated.
  const timeval limit{0, 700000};
  setsockopt(receiver.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char byte = 0;
  return recv(receiver.get(), &byte, 1, 0) == 1;
}

TEST_F(LinkManagerTest, FirstFrameFlowsWhenBringUpReturns) {
  const std::array<Namespace, 2> containers;
  const auto a = must(manager_->open_netns(containers[0].path()));
  const auto b = must(manager_->open_netns(containers[1].path()));
  run("ip link add br0 type bridge && ip link set br0 up");

  must(manager_->create_port(a, port_spec(1, true)));
  must(manager_->create_port(b, port_spec(2, true)));
  run("ip link set vtep00000001 master br0 && ip link set vtep00000002 master br0");
  must(manager_->bring_up(a, port_spec(1, true)));
  must(manager_->bring_up(b, port_spec(2, true)));

  EXPECT_TRUE(datagram_arrives(containers[0], containers[1], AF_INET, "192.0.2.2"));
  EXPECT_TRUE(datagram_arrives(containers[1], containers[0], AF_INET6, "2001:db8::1"));
}

TEST_F(LinkManagerTest, BothEndsHaveCarrierEachTimeBringUpReturns) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto spec = port_spec(1);
  for (int i = 0; i < 20; ++i) {
    must(manager_->create_port(netns, spec));
    must(manager_->bring_up(netns, spec));
    EXPECT_TRUE(contains(run("ip -br link show vtep00000001"), " UP ")) << i;
    EXPECT_TRUE(contains(container.run("ip -br link show eth0"), " UP ")) << i;
    must(manager_->remove_port(spec.host_ifname));
  }
}

TEST_F(LinkManagerTest, TcpFramesAreSetUnlessSomebodyElseChoseTheirLength) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  must(manager_->create_port(netns, port_spec(1)));
  auto socket = must(open_socket(netns));
  const auto length = [&] { return must(find_link(socket, "eth0"))->tcp_frame; };
  must(manager_->set_tcp_frame(netns, "eth0", kBigTcpFrame));
  if (!length()) {
    GTEST_SKIP()
        << "gso_ipv4_max_size is of Linux 6.3; that it can be asked for all the same was seen";
  }
  EXPECT_EQ(length(), kBigTcpFrame);
  must(manager_->set_tcp_frame(netns, "eth0", kUsualTcpFrame));
  EXPECT_EQ(length(), kUsualTcpFrame);

  constexpr std::uint32_t kChosen = 32768;
  must(set_tcp_frame(socket, must(find_link(socket, "eth0"))->index, "eth0", kChosen));
  must(manager_->set_tcp_frame(netns, "eth0", kBigTcpFrame));
  EXPECT_EQ(length(), kChosen);
}

TEST_F(LinkManagerTest, BringUpMayBeRepeated) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  const auto spec = port_spec(1, true);
  must(manager_->create_port(netns, spec));
  must(manager_->bring_up(netns, spec));
  must(manager_->bring_up(netns, spec));
}

TEST_F(LinkManagerTest, BringUpOfAMissingPortIsNotFound) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  expect_error(manager_->bring_up(netns, port_spec(1)), ErrorKind::NotFound,
               {"eth0", "vtep00000001", "net:["});
}

TEST_F(LinkManagerTest, TwoPortsInOneNamespace) {
  const Namespace container;
  const auto netns = must(manager_->open_netns(container.path()));
  auto second = port_spec(2);
  second.ifname = "eth1";

  const auto a = must(manager_->create_port(netns, port_spec(1)));
  const auto b = must(manager_->create_port(netns, second));
  must(manager_->bring_up(netns, port_spec(1)));
  must(manager_->bring_up(netns, second));

  EXPECT_NE(a.host, b.host);
  EXPECT_NE(a.endpoint, b.endpoint);
}

TEST_F(LinkManagerTest, PortInTheDaemonsOwnNamespace) {
  const auto own = must(manager_->open_netns("/proc/self/ns/net"));
  auto spec = port_spec(1, true);
  spec.ifname = "overlay0";

  const auto links = must(manager_->create_port(own, spec));
  must(manager_->bring_up(own, spec));

  const auto found = must(manager_->find_port(own, "overlay0", spec.host_ifname));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->endpoint, links.endpoint);
  EXPECT_EQ(conf(own, "ipv6", "overlay0", "disable_ipv6"), "0");
  EXPECT_EQ(conf(own, "ipv6", spec.host_ifname, "disable_ipv6"), "1");
  EXPECT_EQ(run("ip -o address show dev " + spec.host_ifname), "");
  must(manager_->remove_port(spec.host_ifname));
  expect_no_links();
}

}  // namespace
}  // namespace vtepd::netlink::test
