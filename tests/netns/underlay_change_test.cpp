// SPDX-License-Identifier: GPL-2.0-only
// The underlay changes under a running daemon: forwarding follows within a second, without a
// restart.
#include "support/lab.h"

#include <iostream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr Milliseconds kFollow = Seconds(1);

// How long until a reaches b again, from now on.
void expect_follows(const Pair& pair, StallMeter& stalls, const char* what) {
  const auto begin = Clock::now();
  const bool back = wait_until(
      [&] {
        return pair.a->netns.exec({"ping", "-4", "-n", "-c", "1", "-W", "0.1", pair.b->address})
            .ok();
      },
      Seconds(10));
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);
  EXPECT_TRUE(back) << what;
  EXPECT_LE(took, scaled(kFollow) + stalls.worst()) << what;
  std::cout << what << ": followed after " << took.count() << " ms\n";
  testing::Test::RecordProperty("followed_ms", static_cast<int>(took.count()));
  EXPECT_TRUE(pair.b->pings(pair.a->address)) << what;
}

// The lab's switch takes host 1's port back some time after its cable is in. What is asked for
// before, by ARP, is asked again by the kernel a second later, whoever sends.
void expect_switched(const Pair& pair) {
  EXPECT_TRUE(wait_until(
      [&] {
        const Outcome port = pair.lab.underlay().exec({"bridge", "link", "show", "dev", "h1"});
        return port.out.find("state forwarding") != std::string::npos;
      },
      Seconds(5), Milliseconds(1)));
}

TEST(UnderlayChange, LinkFlap) {
  Pair pair;
  const NetNamespace& host = pair.lab.host(1).netns();
  host.ip("link set eth0 down");
  EXPECT_FALSE(pair.a->pings(pair.b->address, 1)) << "the twin: the cable is what carries it";
  StallMeter stalls;

  host.ip("link set eth0 up");
  expect_switched(pair);

  expect_follows(pair, stalls, "link flap");
}

TEST(UnderlayChange, NicGoneAndBack) {
  Pair pair;
  const NetNamespace& underlay = pair.lab.underlay();
  Host& host = pair.lab.host(1);
  host.netns().ip("link del eth0");
  EXPECT_FALSE(pair.a->pings(pair.b->address, 1));
  EXPECT_TRUE(wait_until(
      [&] {
        return host.ctl({"show", "status"}).code == 2;
      },
      Seconds(5)))
      << "a host without an underlay is down";
  underlay.ip("link add h1 type veth peer name eth0 netns " + host.netns().name() +
              "\nlink set h1 master br0 up");
  StallMeter stalls;

  host.netns().ip("address add " + host.address() + "/24 dev eth0\nlink set eth0 up");
  expect_switched(pair);

  expect_follows(pair, stalls, "NIC gone and back");
  EXPECT_TRUE(wait_until([&] { return host.ctl({"show", "status"}).ok(); }, Seconds(5)));
}

// The other host behind a router, then behind another one.
TEST(UnderlayChange, RouteAndNextHopMove) {
  Pair pair;
  const NetNamespace& host = pair.lab.host(1).netns();
  const NetNamespace& underlay = pair.lab.underlay();
  const NetNamespace router;
  for (const std::string number : {"251", "252"}) {
    underlay.ip("link add r" + number + " type veth peer name r" + number + " netns " +
                router.name() + "\nlink set r" + number + " master br0 up");
    router.ip("address add 10.99.0." + number + "/24 dev r" + number + "\nlink set r" + number +
              " up");
  }
  router.sysctl("net.ipv4.ip_forward", "1");
  router.sysctl("net.ipv4.conf.all.rp_filter", "0");
  router.sysctl("net.ipv4.conf.all.send_redirects", "0");
  for (const std::string number : {"251", "252"}) {
    router.sysctl("net.ipv4.conf.r" + number + ".send_redirects", "0");
    router.sysctl("net.ipv4.conf.r" + number + ".rp_filter", "0");
    const Capture through(router, "r" + number, 128);
    StallMeter stalls;

    host.ip("route replace " + pair.lab.host(2).address() + "/32 via 10.99.0." + number);

    expect_follows(pair, stalls, ("route by 10.99.0." + number).c_str());
    EXPECT_TRUE(wait_until(
        [&] { return through.count([](const Frame& frame) { return frame.is_vxlan(); }) > 0; },
        Seconds(2)))
        << "it went by the router";
  }
  host.ip("route del " + pair.lab.host(2).address() + "/32");
  StallMeter stalls;
  expect_follows(pair, stalls, "on link again");
}

// A next hop gets another MAC and says so, as a replaced machine does.
TEST(UnderlayChange, NeighbourMoves) {
  Pair pair;
  const NetNamespace& other = pair.lab.host(2).netns();
  ASSERT_TRUE(pair.a->pings(pair.b->address));
  StallMeter stalls;

  other.ip("link set eth0 address 02:00:00:00:99:02");
  ASSERT_TRUE(
      other.exec({"arping", "-U", "-c", "1", "-I", "eth0", pair.lab.host(2).address()}).ok());

  expect_follows(pair, stalls, "neighbour with another MAC");
}

TEST(UnderlayChange, RouteGoneIsCountedAndShown) {
  Pair pair;
  Host& host = pair.lab.host(1);
  const auto before = host.counter("NO_ROUTE");
  host.netns().ip("route add unreachable " + pair.lab.host(2).address() + "/32");
  ASSERT_TRUE(wait_until([&] { return host.ctl({"show", "status"}).code == 1; }, Seconds(5)));

  EXPECT_FALSE(pair.a->pings(pair.b->address, 1));
  EXPECT_GT(host.counter("NO_ROUTE"), before);

  host.netns().ip("route del unreachable " + pair.lab.host(2).address() + "/32");
  StallMeter stalls;
  expect_follows(pair, stalls, "route back");
}

}  // namespace
}  // namespace vtepd::test
