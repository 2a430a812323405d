// SPDX-License-Identifier: GPL-2.0-only
// Endpoints that send on what they receive: routers, bridges, tunnels of their own. Frames that the
// kernel merged in the underlay's tunnel keep state of it, which nothing behind may trip over.
#include "support/datagrams.h"
#include "support/lab.h"
#include "support/traffic.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::size_t kBytes = 8U << 20U;
constexpr std::size_t kMtu = 1450;
constexpr const char* kRed = "192.168.7.0/24";
constexpr const char* kGreen = "192.168.8.0/24";
constexpr const char* kRed6 = "2001:db8:7::/64";
constexpr const char* kGreen6 = "2001:db8:8::/64";

// What the frames meet on their way.
struct Way {
  std::string name;
  bool endpoint_offloads = true;  // of the interfaces in the containers
  bool cut_underlay = false;      // MTU-sized frames between the hosts, merged by the receiver
  bool early = false;             // forwarding is set up before the attach
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

const auto kWayName = [](const auto& test) { return test.param.name; };

const Way kWays[] = {
    {.name = "WholeFrames"},
    {.name = "WholeFramesSetUpBefore", .early = true},
    {.name = "WholeFramesWithoutOffloads", .endpoint_offloads = false},
    {.name = "MergedFrames", .cut_underlay = true},
    {.name = "MergedFramesWithoutOffloadsSetUpBefore",
     .endpoint_offloads = false,
     .cut_underlay = true,
     .early = true},
};

std::uint64_t drops(const Host& host) {
  std::uint64_t sum = 0;
  for (const Json& row : host.rows("drops")) {
    sum += row.value("kind", "") == "drop" ? row.value("packets", std::uint64_t{0}) : 0U;
  }
  return sum;
}

class ForwardingBase : public testing::TestWithParam<Way> {
 protected:
  ForwardingBase() {
    lab_.start();
    if (GetParam().cut_underlay) {
      for (int number : {1, 2}) {
        cut_underlay(number);
      }
    }
  }

  void cut_underlay(int number) {
    const std::vector<std::string> off{"gso", "off", "tso", "off", "tx-udp-segmentation", "off"};
    set_features(lab_.host(number).netns(), "eth0", off);
    // A veth gives a frame to GRO only if its sending end cannot segment.
    lab_.cut_segments(number);
    set_features(lab_.host(number).netns(), "eth0", {"gro", "on"});
  }

  static void set_features(const NetNamespace& netns, const std::string& interface,
                           const std::vector<std::string>& features) {
    std::vector<std::string> words{"ethtool", "-K", interface};
    words.insert(words.end(), features.begin(), features.end());
    ASSERT_TRUE(netns.exec(words).ok());
  }

  void settle(const std::vector<std::pair<const Container*, std::string>>& interfaces) {
    if (GetParam().endpoint_offloads) {
      return;
    }
    for (const auto& [container, interface] : interfaces) {
      set_features(container->netns, interface, {"tx", "off", "gso", "off", "tso", "off"});
    }
  }

  // Every kind of traffic, both ways, at full size; UDP without loss.
  void expect_carried(const Container& a, const std::string& at_a, const Container& b,
                      const std::string& at_b, std::size_t mtu) {
    const std::size_t headers = at_a.find(':') == std::string::npos ? 28 : 48;
    ASSERT_TRUE(wait_until([&] { return a.pings(at_b, 1); }, Seconds(5)));
    for (const auto& [from, to, address] : {std::tuple(&a, &b, at_b), std::tuple(&b, &a, at_a)}) {
      SCOPED_TRACE("to " + address);
      EXPECT_EQ(tcp_transfer(from->netns, to->netns, address, kBytes), kBytes);
      EXPECT_TRUE(udp_echo(from->netns, to->netns, address, mtu - headers));
      expect_datagrams(*from, *to, address, {.count = 2000, .size = mtu - headers});
      expect_datagrams(*from, *to, address,
                       {.count = 2000, .size = mtu - headers, .batch = 20, .per_second = 10000});
    }
  }

  void expect_datagrams(const Container& from, const Container& to, const std::string& address,
                        const DatagramPlan& plan) {
    SCOPED_TRACE("in batches of " + std::to_string(plan.batch));
    const auto before = drops(lab_.host(1)) + drops(lab_.host(2));
    const DatagramCount count = send_datagrams(from.netns, to.netns, address, plan);
    if (count.refused) {
      // Segmentation of datagrams without checksum offload is of Linux 6.11.
      EXPECT_FALSE(GetParam().endpoint_offloads);
      return;
    }
    EXPECT_EQ(count.sent, plan.count);
    EXPECT_EQ(count.wrong, 0U);
    EXPECT_EQ(count.arrived, count.sent)
        << drops(lab_.host(1)) + drops(lab_.host(2)) - before << " were counted";
  }

  Lab lab_;
};

// A container with an interface in each of two networks.
class ForwardingRouter : public ForwardingBase {
 protected:
  void set_up() {
    lab_.create_network("red", kRed, {"--subnet", kRed6});
    lab_.create_network("green", kGreen, {"--subnet", kGreen6, "--address-space", "other"});
  }

  static void forward(const NetNamespace& netns) {
    netns.sysctl("net.ipv4.ip_forward", "1");
    netns.sysctl("net.ipv6.conf.all.forwarding", "1");
  }
};

TEST_P(ForwardingRouter, CarriesFromOneNetworkToTheOther) {
  set_up();
  Host& far = lab_.host(2);
  Container router;
  if (GetParam().early) {
    forward(router.netns);
  }
  far.attach(router, "red", "192.168.7.12",
             {"--ip", "2001:db8:7::12", "--allow-address", kGreen, "--allow-address", kGreen6});
  router.interface = "eth1";
  far.attach(router, "green", "192.168.8.12",
             {"--ip", "2001:db8:8::12", "--allow-address", kRed, "--allow-address", kRed6});
  const Container& a = lab_.host(1).attach("red", "192.168.7.11", {"--ip", "2001:db8:7::11"});
  const Container& b = lab_.host(1).attach("green", "192.168.8.11", {"--ip", "2001:db8:8::11"});
  if (!GetParam().early) {
    forward(router.netns);
  }
  settle({{&router, "eth0"}, {&router, "eth1"}, {&a, "eth0"}, {&b, "eth0"}});
  a.netns.ip(std::string("route add ") + kGreen + " via 192.168.7.12");
  b.netns.ip(std::string("route add ") + kRed + " via 192.168.8.12");
  a.netns.ip(std::string("route add ") + kGreen6 + " via 2001:db8:7::12");
  b.netns.ip(std::string("route add ") + kRed6 + " via 2001:db8:8::12");

  expect_carried(a, a.address, b, b.address, kMtu);
  expect_carried(a, "2001:db8:7::11", b, "2001:db8:8::11", kMtu);
}

INSTANTIATE_TEST_SUITE_P(Over, ForwardingRouter, testing::ValuesIn(kWays), kWayName);

// A container that bridges its two interfaces. Each has the address and MAC of who is behind the
// other, so that the network sends there what is for him.
class ForwardingBridge : public ForwardingBase {};

TEST_P(ForwardingBridge, CarriesFromOneNetworkToTheOther) {
  lab_.create_network("red", kRed);
  lab_.create_network("green", kRed, {"--address-space", "other"});
  const std::string mac_a = "02:00:00:00:00:0a";
  const std::string mac_b = "02:00:00:00:00:0b";
  const auto build = [](const Container& bridge) {
    bridge.netns.ip("link add br0 type bridge mcast_snooping 0\nlink set br0 mtu 1450 up");
  };
  Container bridge;
  if (GetParam().early) {
    build(bridge);
  }
  lab_.host(2).attach(bridge, "red", "192.168.7.12", {"--mac", mac_b});
  bridge.interface = "eth1";
  lab_.host(2).attach(bridge, "green", "192.168.7.11", {"--mac", mac_a});
  if (!GetParam().early) {
    build(bridge);
  }
  // A bridge keeps frames to the MACs of its own interfaces.
  bridge.netns.ip(
      "address flush dev eth0\naddress flush dev eth1\n"
      "link set eth0 address 02:00:00:00:01:0a\nlink set eth1 address 02:00:00:00:01:0b\n"
      "link set eth0 master br0\nlink set eth1 master br0");
  const Container& a = lab_.host(1).attach("red", "192.168.7.11", {"--mac", mac_a});
  const Container& b = lab_.host(1).attach("green", "192.168.7.12", {"--mac", mac_b});
  settle({{&bridge, "eth0"}, {&bridge, "eth1"}, {&a, "eth0"}, {&b, "eth0"}});

  expect_carried(a, a.address, b, b.address, kMtu);
}

INSTANTIATE_TEST_SUITE_P(Over, ForwardingBridge, testing::ValuesIn(kWays), kWayName);

// A vxlan device of the kernel in a container on each host.
class ForwardingTunnel : public ForwardingBase {
 protected:
  static void tunnel(const Container& container, const std::string& inside,
                     const std::string& remote) {
    container.netns.ip("link add vx0 mtu 1400 type vxlan id 99 dstport 4789 remote " + remote +
                       " dev eth0\naddress add " + inside + "/24 dev vx0\nlink set vx0 up");
  }
};

TEST_P(ForwardingTunnel, Carries) {
  lab_.create_network("red", kRed);
  const Container& a = lab_.host(1).attach("red", "192.168.7.11");
  const Container& b = lab_.host(2).attach("red", "192.168.7.12");
  tunnel(a, "10.77.0.1", b.address);
  tunnel(b, "10.77.0.2", a.address);
  settle({{&a, "eth0"}, {&b, "eth0"}, {&a, "vx0"}, {&b, "vx0"}});

  expect_carried(a, "10.77.0.1", b, "10.77.0.2", kMtu - 50);
}

INSTANTIATE_TEST_SUITE_P(Over, ForwardingTunnel, testing::ValuesIn(kWays), kWayName);

// What one host merged, a router sends into a tunnel of its own.
class ForwardingRouterTunnel : public ForwardingTunnel {};

TEST_P(ForwardingRouterTunnel, Carries) {
  lab_.create_network("red", kRed);
  lab_.create_network("green", kGreen, {"--address-space", "other"});
  const Container& a = lab_.host(1).attach("red", "192.168.7.11");
  Container router;
  router.netns.sysctl("net.ipv4.ip_forward", "1");
  lab_.host(2).attach(router, "red", "192.168.7.12", {"--allow-address", "10.77.0.0/24"});
  router.interface = "eth1";
  lab_.host(2).attach(router, "green", "192.168.8.12");
  const Container& b = lab_.host(1).attach("green", "192.168.8.11");
  router.netns.ip(
      "link add vx0 mtu 1400 type vxlan id 99 dstport 4789 remote 192.168.8.11 dev eth1\n"
      "address add 10.77.0.1/24 dev vx0\nlink set vx0 up");
  tunnel(b, "10.77.0.2", "192.168.8.12");
  a.netns.ip("route add 10.77.0.0/24 via 192.168.7.12 mtu 1400");
  b.netns.ip("route add 192.168.7.0/24 via 10.77.0.1");
  settle({{&router, "eth0"}, {&router, "eth1"}, {&a, "eth0"}, {&b, "eth0"}});

  expect_carried(a, a.address, b, "10.77.0.2", kMtu - 50);
}

INSTANTIATE_TEST_SUITE_P(Over, ForwardingRouterTunnel, testing::ValuesIn(kWays), kWayName);

// No forwarding at all, but the socket's datagrams crossed as one frame.
class ForwardingNone : public ForwardingBase {};

TEST_P(ForwardingNone, SegmentedDatagramsReachTheSocket) {
  lab_.create_network("red", kRed, {"--subnet", "2001:db8:7::/64"});
  const Container& a = lab_.host(1).attach("red", "192.168.7.11", {"--ip", "2001:db8:7::11"});
  const Container& b = lab_.host(2).attach("red", "192.168.7.12", {"--ip", "2001:db8:7::12"});
  settle({{&a, "eth0"}, {&b, "eth0"}});

  expect_carried(a, a.address, b, b.address, kMtu);
  expect_carried(a, "2001:db8:7::11", b, "2001:db8:7::12", kMtu);
}

INSTANTIATE_TEST_SUITE_P(Over, ForwardingNone, testing::ValuesIn(kWays), kWayName);

}  // namespace
}  // namespace vtepd::test
