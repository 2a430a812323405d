// SPDX-License-Identifier: GPL-2.0-only
// The bridge that gives endpoints headroom: what it is for, and that it is nothing else.
#include "support/frames.h"
#include "support/lab.h"
#include "support/sockets.h"
#include "support/underlay_devices.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr const char* kBridge = "vteph4789";
constexpr const char* kIdle = "vtepx4789";
constexpr Milliseconds kRepaired = Seconds(30);

HostOptions on_veths() {
  return {.datapath = "kind = \"bpf\"\nendpoint_device = \"veth\"\n"};
}

// How much room the kernel leaves in front of what a container sends, the more the smaller: the
// first size of a datagram that gets a larger buffer. The datagram is begun and never sent.
std::size_t first_in_larger_buffer(const NetNamespace& from, const std::string& to) {
  const Target target = resolve(to, kDiscard);
  int smallest = 0;
  for (std::size_t size = 1; size < 1400; ++size) {
    const Socket socket(from, target.family(), SOCK_DGRAM);
    const Bytes payload(size);
    int buffered = 0;
    if (sendto(socket.get(), payload.data(), size, MSG_MORE, target.get(), target.size) < 0 ||
        ioctl(socket.get(), SIOCOUTQ, &buffered) != 0) {
      throw std::runtime_error(std::string("a datagram begun: ") + std::strerror(errno));
    }
    smallest = size == 1 ? buffered : smallest;
    if (buffered > smallest) {
      return size;
    }
  }
  throw std::runtime_error("every datagram gets the same buffer");
}

class HeadroomOfEndpoints : public testing::Test {
 protected:
  [[nodiscard]] Json link(const std::string& name) const {
    const Outcome shown = host_.netns().exec({"ip", "-j", "-d", "link", "show", "dev", name});
    return shown.ok() ? Json::parse(shown.out).at(0) : Json::object();
  }

  [[nodiscard]] bool is_port(const std::string& name) const {
    return link(name).value("master", "") == kBridge;
  }

  [[nodiscard]] bool is_up() const {
    return link(kBridge).at("flags").dump().find("\"UP\"") != std::string::npos;
  }

  [[nodiscard]] std::string status() const { return host_.datapath().at("headroom"); }

  [[nodiscard]] std::size_t put_right() const { return host_.logged("put right"); }

  Pair pair_{on_veths()};
  Host& host_ = pair_.lab.host(1);
  const std::string end_ = host_.host_end();
};

TEST_F(HeadroomOfEndpoints, WhatTheySendHasRoomForTheOuterHeader) {
  constexpr std::size_t kOuterHeader = 50;
  const auto with = first_in_larger_buffer(pair_.a->netns, pair_.b->address);

  // The twin. Nobody puts it right while no daemon runs.
  host_.stop();
  host_.netns().ip("link set " + end_ + " nomaster");
  const auto without = first_in_larger_buffer(pair_.a->netns, pair_.b->address);
  EXPECT_GE(without, with + kOuterHeader);

  host_.start();
  EXPECT_EQ(first_in_larger_buffer(pair_.a->netns, pair_.b->address), with);
}

TEST_F(HeadroomOfEndpoints, TheBridgeIsDownAndClosedAndStatusNamesIt) {
  EXPECT_FALSE(is_up());
  EXPECT_EQ(link(kBridge).value("inet6_addr_gen_mode", ""), "none");
  EXPECT_EQ(host_.netns().exec({"ip", "-j", "address", "show", "dev", kBridge}).out.find("local"),
            std::string::npos);
  for (const std::string& port : {end_, std::string(kIdle)}) {
    ASSERT_TRUE(is_port(port)) << port;
    const Json data = link(port).at("linkinfo").at("info_slave_data");
    EXPECT_EQ(data.at("state"), "disabled") << port;
    EXPECT_EQ(data.at("isolated"), true) << port;
    for (const char* flag : {"learning", "flood", "mcast_flood", "bcast_flood"}) {
      EXPECT_EQ(data.at(flag), false) << port << " " << flag;
    }
  }
  EXPECT_EQ(status(), std::string("bridge ") + kBridge + " (1 endpoints)");
  EXPECT_NE(host_.ctl({"show", "status"}).out.find(kBridge), std::string::npos);
}

TEST_F(HeadroomOfEndpoints, DetachAndPurgeLeaveNothing) {
  host_.netns().ip("link add vteph8472 type bridge");
  host_.attach("blue", "192.168.7.20");
  EXPECT_EQ(status(), std::string("bridge ") + kBridge + " (2 endpoints)");

  host_.must({"detach", "blue", "--netns", pair_.a->netns.path()});

  EXPECT_EQ(status(), std::string("bridge ") + kBridge + " (1 endpoints)");
  EXPECT_TRUE(link(end_).empty());
  host_.stop();
  const Outcome purge = host_.purge();
  ASSERT_TRUE(purge.ok()) << purge.text();
  EXPECT_NE(purge.out.find(kBridge), std::string::npos) << purge.out;
  EXPECT_TRUE(link(kBridge).empty());
  EXPECT_FALSE(link("vteph8472").empty()) << "it is not this port's";
}

TEST_F(HeadroomOfEndpoints, RestartAdoptsItAndWhatItDoesNotHaveYet) {
  const int bridge = link(kBridge).at("ifindex");
  host_.kill9();
  host_.netns().ip("link set " + end_ + " nomaster");

  host_.start();

  EXPECT_TRUE(is_port(end_)) << "as after an upgrade from a build without the bridge";
  EXPECT_EQ(link(kBridge).at("ifindex"), bridge);
  host_.stop();
  host_.netns().ip(std::string("link del ") + kBridge);
  host_.start();
  EXPECT_TRUE(is_port(end_));
  EXPECT_TRUE(is_port(kIdle));
  EXPECT_EQ(put_right(), 0U) << "what a start makes is no drift";
  EXPECT_TRUE(pair_.a->pings(pair_.b->address));
}

// The other side of it: no daemon, so that nobody sets it down again, and its ports opened, too.
TEST_F(HeadroomOfEndpoints, SetUpByHandItIsNoWayAround) {
  pair_.lab.create_network("red", "192.168.8.0/24");
  Container& red = host_.attach("red", "192.168.8.11");
  Container& neighbour = host_.attach("blue", "192.168.7.13", {"--wait"});
  host_.stop();
  for (const Json& port : Json::parse(host_.netns().exec({"bridge", "-j", "link"}).out)) {
    const std::string name = port.at("ifname");
    host_.netns().ip("link set " + name +
                     " type bridge_slave isolated off learning on flood on mcast_flood on "
                     "bcast_flood on");
  }
  host_.netns().ip(std::string("link set ") + kBridge +
                   " arp on up\naddress add 192.168.7.99/24 dev " + kBridge);
  ASSERT_TRUE(is_up());
  const Capture bridge(host_.netns(), kBridge);
  const Capture blue(pair_.a->netns, "eth0");
  const auto from_red = [&](const Frame& frame) {
    return frame.bytes.size() > 12 && std::equal(frame.bytes.begin() + 6, frame.bytes.begin() + 12,
                                                 mac_of(red.mac).bytes.begin());
  };

  const RawSender sender(red.netns, "eth0");
  const std::uint16_t port = 43000;
  for (const std::string& to :
       {pair_.a->mac, std::string("ff:ff:ff:ff:ff:ff"), std::string(link(kBridge).at("address")),
        std::string("01:80:c2:00:00:0e")}) {
    sender.send((Ethernet{.dst = mac_of(to), .src = mac_of(red.mac)} /
                 Packet(Ipv4{.src = red.address.c_str(), .dst = "192.168.7.99"}) /
                 Udp{.src = port, .dst = kDiscard} / Payload(20))
                    .bytes());
  }
  EXPECT_FALSE(red.pings(pair_.a->address, 1));
  EXPECT_FALSE(pair_.a->pings("192.168.7.99", 1)) << "the host";
  EXPECT_FALSE(
      host_.netns().exec({"ping", "-c", "1", "-W", "1", "-I", kBridge, pair_.a->address}).ok());

  EXPECT_TRUE(pair_.a->pings(pair_.b->address)) << "the twin: forwarding goes on";
  EXPECT_TRUE(pair_.a->pings(neighbour.address));
  EXPECT_EQ(blue.count(from_red), 0U);
  EXPECT_EQ(bridge.count([](const Frame& frame) { return !frame.outgoing; }), 0U)
      << "nothing comes in by its ports";
  host_.start();
  EXPECT_FALSE(is_up());
}

// Waits for the daemon's timer.
class LongHeadroomDrift : public HeadroomOfEndpoints {};

TEST_F(LongHeadroomDrift, IsPutRightOnceEach) {
  const std::vector<std::pair<std::string, std::string>> ways{
      {"a host end taken out", "link set " + end_ + " nomaster"},
      {"a host end in another bridge",
       "link add other0 type bridge\nlink set " + end_ + " master other0"},
      {"a host end that floods", "link set " + end_ + " type bridge_slave flood on"},
      {"the idle device taken out", std::string("link set ") + kIdle + " nomaster"},
      {"set up", std::string("link set ") + kBridge + " up"},
      {"deleted", std::string("link del ") + kBridge},
  };
  std::size_t repairs = 0;
  const auto is_right = [&] {
    return is_port(end_) && is_port(kIdle) && !is_up() &&
           link(end_).at("linkinfo").at("info_slave_data").at("flood") == false;
  };
  ASSERT_TRUE(is_right());
  for (const auto& [what, command] : ways) {
    SCOPED_TRACE(what);

    host_.netns().ip(command);

    EXPECT_TRUE(wait_until([&] { return put_right() == repairs + 1; }, kRepaired));
    EXPECT_TRUE(is_right());
    EXPECT_TRUE(pair_.a->pings(pair_.b->address));
    repairs = put_right();
  }
  sleep_for(Seconds(11));  // one more look: what the daemon does is no drift to it
  EXPECT_EQ(put_right(), repairs);
}

TEST_F(LongHeadroomDrift, WhereItsNameIsTakenTheRestWorksAndStatusSaysWhatItCosts) {
  host_.stop();
  host_.netns().ip(std::string("link del ") + kBridge + "\nlink add " + kBridge + " type bridge");

  host_.start();

  EXPECT_TRUE(pair_.a->pings(pair_.b->address));
  const Container& fresh = host_.attach("blue", "192.168.7.30", {"--wait"});
  EXPECT_TRUE(fresh.pings(pair_.b->address));
  EXPECT_EQ(status().find("none, "), 0U) << status();
  EXPECT_NE(status().find(kBridge), std::string::npos) << status();
  EXPECT_NE(read_file(host_.log_path()).find("sending from endpoints costs more"),
            std::string::npos);

  host_.netns().ip(std::string("link del ") + kBridge);
  EXPECT_TRUE(wait_until([&] { return is_port(end_); }, kRepaired));
  EXPECT_EQ(status(), std::string("bridge ") + kBridge + " (2 endpoints)");
}

// Those are no ports of bridges.
TEST(HeadroomOfNetkit, IsLeftToTheDevice) {
  if (!testing::Value(run({vtepd_program(), "probe"}).out,
                      testing::ContainsRegex("netkit device +yes +no "))) {
    skip_test("needs a kernel with netkit devices");
  }
  Pair pair({.datapath = "kind = \"bpf\"\nendpoint_device = \"netkit\"\n"});

  EXPECT_EQ(pair.lab.host(1).datapath().at("headroom"),
            std::string("bridge ") + kBridge + " (0 endpoints)");
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

}  // namespace
}  // namespace vtepd::test
