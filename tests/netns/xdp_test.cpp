// SPDX-License-Identifier: GPL-2.0-only
// What xdp mode adds to what every other test here checks in it, too.
#include "support/frames.h"
#include "support/kernel.h"
#include "support/lab.h"
#include "support/traffic.h"
#include "support/underlay_devices.h"

#include <iostream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::size_t kMss = 1400;

HostOptions in_xdp_mode() {
  return {.datapath = "", .underlay = "mode = \"xdp\""};
}

TEST(XdpMode, StatusSaysSoAndWhy) {
  Lab lab({.hosts = 1, .host = in_xdp_mode()});
  lab.start();

  const Json datapath = lab.host(1).show("status").at("status").at("datapath");

  EXPECT_EQ(datapath.at("mode"), "xdp");
  EXPECT_NE(datapath.at("reason").get<std::string>().find("underlay.mode"), std::string::npos);
}

bool has_driver(const Host& host, const std::string& name) {
  return host.netns().exec({"ethtool", "-i", "eth0"}).out.starts_with("driver: " + name + "\n");
}

TEST(XdpMode, AutoKeepsAVethInTcModeAndSaysWhy) {
  Lab lab({.hosts = 1, .host = {.underlay = "mode = \"auto\""}});
  if (!has_driver(lab.host(1), "veth")) {
    GTEST_SKIP() << "needs a veth as underlay";
  }
  lab.start();

  const Json datapath = lab.host(1).show("status").at("status").at("datapath");

  EXPECT_EQ(datapath.at("mode"), "tc");
  EXPECT_NE(datapath.at("reason").get<std::string>().find("veth"), std::string::npos);
}

TEST(XdpMode, AutoStripsInAVirtioDriverAndSaysWhy) {
  Lab lab({.hosts = 1, .host = {.underlay = "mode = \"auto\""}});
  if (!has_driver(lab.host(1), "virtio_net")) {
    GTEST_SKIP() << "needs a virtio device as underlay: VTEPD_TEST_UNDERLAY";
  }
  lab.start();

  const Json datapath = lab.host(1).show("status").at("status").at("datapath");
  std::cout << "status: mode " << datapath.at("mode") << ", " << datapath.at("reason") << "\n";

  EXPECT_EQ(datapath.at("mode"), "xdp") << datapath;
  EXPECT_NE(datapath.at("reason").get<std::string>().find("native XDP"), std::string::npos);
}

// A capture clones every frame, and the kernel drops the metadata of a clone that a program may
// write to.
TEST(XdpMode, CaptureOnTheUnderlayDeviceChangesNothing) {
  Pair pair(in_xdp_mode());
  const Capture underlay(pair.lab.host(2).netns(), "eth0", 128);

  EXPECT_EQ(tcp_transfer(pair.a->netns, pair.b->netns, pair.b->address, 4U << 20U), 4U << 20U);
  EXPECT_TRUE(pair.b->pings(pair.a->address));

  EXPECT_GT(underlay.count([](const Frame& frame) { return !frame.outgoing; }), 100U);
  EXPECT_EQ(pair.lab.host(2).counter("GUARD"), 0U);
}

// Not every driver carries metadata from its hook to the TC program; one that does not would leave
// all of it to the TC program, and everything would still arrive.
TEST(XdpMode, TheDriverStripsAndHandsTheVniOn) {
  Pair pair(in_xdp_mode());
  const Capture underlay(pair.lab.host(2).netns(), "eth0");

  EXPECT_TRUE(pair.a->pings(pair.b->address));

  const auto echo = [](const Frame& frame) -> bool {
    return !frame.outgoing && frame.ether_type() == 0x0800 && frame.u32(26) == 0xc0a8070bU &&
           frame.u32(30) == 0xc0a8070cU;
  };
  EXPECT_TRUE(wait_until([&] { return underlay.count(echo) >= 3; }, Seconds(2)));
  EXPECT_EQ(underlay.count([](const Frame& f) { return !f.outgoing && f.is_vxlan(); }), 0U);
}

bool kernel_has(const std::string& feature) {
  std::istringstream lines(run({vtepd_program(), "probe"}).out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(feature + " ")) {
      return line.substr(line.find_first_not_of(' ', feature.size())).starts_with("yes ");
    }
  }
  return false;
}

// veth can as soon as the kernel can, virtio_net since Linux 6.3. Where it cannot be done, such a
// device is left to the TC program.
TEST(XdpMode, JumboFramesInSeveralBuffersArrive) {
  const bool several =
      kernel_has("XDP multi-buffer") && (underlay_devices().empty() || kernel_is_since(6, 3));
  HostOptions options = several ? in_xdp_mode() : HostOptions{.underlay = "mode = \"auto\""};
  options.mtu = 9000;
  Lab lab({.hosts = 2, .host = options});
  lab.start();
  const Json datapath = lab.host(1).show("status").at("status").at("datapath");
  EXPECT_EQ(datapath.at("mode"), several ? "xdp" : "tc") << datapath;
  lab.create_network("jumbo", "192.168.8.0/24", {"--mtu", "8950"});
  const Container& a = lab.host(1).attach("jumbo", "192.168.8.11", {"--wait"});
  const Container& b = lab.host(2).attach("jumbo", "192.168.8.12", {"--wait"});

  EXPECT_TRUE(a.ping(b.address, 3, {"-M", "do", "-s", std::to_string(8950 - 28)}).ok());
  EXPECT_FALSE(a.ping(b.address, 1, {"-M", "do", "-s", std::to_string(8950 - 27)}).ok());
}

// A TCP segment of a made-up flow: the same addresses and ports whoever's network it is in.
Bytes segment(const Container& from, const Container& to, std::uint32_t number, std::uint8_t fill) {
  const Packet packet =
      Ethernet{.dst = mac_of(to.mac), .src = mac_of(from.mac)} /
      Packet(Ipv4{.src = from.address.c_str(), .dst = to.address.c_str()}) /
      Tcp{.src = 5000, .dst = 5001, .seq = 1000 + number * static_cast<std::uint32_t>(kMss)} /
      Payload(Bytes(kMss, fill));
  return packet.bytes();
}

struct Merged {
  std::size_t frames = 0;
  std::size_t bytes = 0;
  std::size_t largest = 0;
  bool foreign = false;
};

// What arrived of the flow: whose bytes, and how many frames at once.
Merged merged(const Capture& capture, std::uint8_t fill) {
  Merged out;
  for (const Frame& frame : capture.frames()) {
    if (frame.outgoing || frame.ether_type() != 0x0800 || frame.u16(36) != 5001 ||
        frame.bytes.size() < 60) {
      continue;
    }
    const std::size_t payload = frame.length - 54;
    out.frames += 1;
    out.bytes += payload;
    out.largest = std::max(out.largest, payload);
    for (std::size_t at = 54; at < frame.bytes.size(); ++at) {
      out.foreign = out.foreign || frame.bytes[at] != fill;
    }
  }
  return out;
}

// Frames of two networks, alternating, whose inner headers continue one another: were the VNI not
// part of what GRO compares, it would put them together.
TEST(XdpMode, GroMergesAFlowButNeverTwoNetworks) {
  Lab lab({.hosts = 2, .host = in_xdp_mode()});
  lab.start();
  std::map<std::string, Container*> receivers;
  std::map<std::string, Container*> senders;
  for (const std::string name : {"red", "blue"}) {
    lab.create_network(name, "192.168.7.0/24", {"--address-space", name});
    senders[name] =
        &lab.host(1).attach(name, "192.168.7.11", {"--mac", "02:42:c0:a8:07:0b", "--wait"});
    receivers[name] =
        &lab.host(2).attach(name, "192.168.7.12", {"--mac", "02:42:c0:a8:07:0c", "--wait"});
  }
  Outer outer{.dst_mac = mac_of(lab.host(2).mac()),
              .src_mac = mac_of(lab.host(1).mac()),
              .src = "10.99.0.1",
              .dst = "10.99.0.2"};
  const std::uint32_t red = lab.vni("red");
  const std::uint32_t blue = lab.vni("blue");
  ASSERT_TRUE(lab.host(2).netns().exec({"ethtool", "-K", "eth0", "gro", "on"}).ok());
  // Frames wait for others to merge with, as they do on a busy link.
  lab.host(2).netns().set_link_attribute("eth0/gro_flush_timeout", "2000000");
  constexpr std::uint32_t kRounds = 400;
  constexpr std::uint8_t kRed = 0xaa;
  constexpr std::uint8_t kBlue = 0x55;
  const Capture at_red(receivers["red"]->netns, "eth0", 65536);
  const Capture at_blue(receivers["blue"]->netns, "eth0", 65536);
  const RawSender wire = lab.cable_to(2);

  for (std::uint32_t number = 0; number < kRounds; ++number) {
    outer.vni = red;
    wire.send(encapsulated(outer, segment(*senders["red"], *receivers["red"], number, kRed)));
    outer.vni = blue;
    wire.send(encapsulated(outer, segment(*senders["blue"], *receivers["blue"], number, kBlue)));
  }

  const auto all = [&](const Capture& capture, std::uint8_t fill) {
    return wait_until([&] { return merged(capture, fill).bytes == kRounds * kMss; }, Seconds(3));
  };
  EXPECT_TRUE(all(at_red, kRed)) << merged(at_red, kRed).bytes;
  EXPECT_TRUE(all(at_blue, kBlue)) << merged(at_blue, kBlue).bytes;
  EXPECT_FALSE(merged(at_red, kRed).foreign);
  EXPECT_FALSE(merged(at_blue, kBlue).foreign);
  EXPECT_GT(merged(at_red, kRed).largest + merged(at_blue, kBlue).largest, 2 * kMss)
      << "nothing was merged, so nothing could have been merged wrongly";
}

}  // namespace
}  // namespace vtepd::test
