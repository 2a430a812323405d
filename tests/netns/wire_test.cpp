// SPDX-License-Identifier: GPL-2.0-only
// What is on the underlay, byte for byte.
#include "support/frames.h"
#include "support/kernel.h"
#include "support/lab.h"
#include "support/traffic.h"

#include <algorithm>
#include <climits>
#include <map>
#include <set>
#include <sstream>

#include <netinet/in.h>

#include <gmock/gmock.h>

namespace vtepd::test {
namespace {

constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kLocalExperiment = 0x88b5;

bool is_underlay_arp(const Frame& frame) {
  const auto in_underlay = [](std::uint32_t address) { return address >> 8U == 0x0a6300U; };
  return frame.ether_type() == kArp && in_underlay(frame.u32(28)) && in_underlay(frame.u32(38));
}

TEST(Wire, UnderlayCarriesOnlyVxlanAndItsOwnArp) {
  Lab lab;
  const Capture underlay = lab.wire(1);
  lab.start();
  lab.create_network("blue", "192.168.7.0/24");
  const Container& a = lab.host(1).attach("blue", "192.168.7.11");
  const Container& b = lab.host(2).attach("blue", "192.168.7.12");
  await_known(lab.host(1), b.address);
  await_known(lab.host(2), a.address);

  EXPECT_TRUE(a.pings(b.address));
  EXPECT_EQ(tcp_transfer(a.netns, b.netns, b.address, 1 << 20), std::size_t{1} << 20U);
  EXPECT_FALSE(a.pings("192.168.7.99", 1)) << "nobody has this address";
  EXPECT_TRUE(b.netns.exec({"arping", "-c", "1", "-I", "eth0", a.address}).ok());

  ASSERT_TRUE(underlay.complete());
  const auto echo = [](const Frame& frame) -> bool {
    const Frame inner{.bytes = frame.inner()};
    return frame.is_vxlan() && inner.ether_type() == kIpv4 && inner.bytes[23] == IPPROTO_ICMP;
  };
  EXPECT_GE(underlay.count(echo), 6U) << "the capture does not see the pings";
  for (const Frame& frame : underlay.frames()) {
    if (is_underlay_arp(frame)) {
      continue;
    }
    ASSERT_TRUE(frame.is_vxlan()) << frame.hex();
    const Frame inner{.bytes = frame.inner()};
    EXPECT_NE(inner.ether_type(), kArp) << frame.hex();
    const bool icmpv6 = inner.ether_type() == 0x86dd && inner.bytes.at(20) == IPPROTO_ICMPV6;
    EXPECT_FALSE(icmpv6 && inner.bytes.at(54) >= 133 && inner.bytes.at(54) <= 137) << frame.hex();
  }
}

TEST(Wire, HostsHaveNoRouteToTheOverlay) {
  Pair pair;

  for (int number = 1; number <= 2; ++number) {
    const NetNamespace& netns = pair.lab.host(number).netns();
    const std::string routes = netns.exec({"ip", "route", "show", "table", "all"}).out;
    EXPECT_EQ(routes.find("192.168.7"), std::string::npos) << routes;
    EXPECT_NE(routes.find("10.99.0"), std::string::npos) << "the underlay's own route is seen";
    EXPECT_FALSE(netns.exec({"ping", "-c", "1", "-W", "1", pair.b->address}).ok());
  }
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

TEST(Wire, InnerFrameAndOuterHeadersAreRight) {
  Pair pair;
  const Bytes sent = datagram(*pair.a, *pair.b, 40001, 333);
  const Capture wire = pair.lab.wire(1);
  const Capture arrival(pair.b->netns, "eth0");

  RawSender(pair.a->netns, "eth0").send(sent);

  const auto ours = [&](const Frame& frame) { return frame.is_vxlan() && frame.inner() == sent; };
  ASSERT_TRUE(wait_until([&] { return wire.count(ours) == 1; }, Seconds(2)));
  EXPECT_TRUE(wait_until(
      [&] { return arrival.count([&](const Frame& f) { return f.bytes == sent; }) == 1; },
      Seconds(2)));
  const Frame frame = wire.frames(ours).at(0);
  EXPECT_EQ(frame.vni(), pair.lab.vni("blue"));
  EXPECT_EQ(frame.bytes.at(42), 0x08) << "VXLAN flags";
  EXPECT_EQ(frame.u16(36), 4789);
  EXPECT_EQ(frame.u16(38), sent.size() + 16) << "UDP length";
  EXPECT_EQ(frame.u16(40), 0) << "UDP checksum";
  EXPECT_EQ(frame.u16(16), sent.size() + 36) << "IPv4 length";
  const Bytes outer(frame.bytes.begin() + 14, frame.bytes.begin() + 34);
  EXPECT_EQ(internet_checksum(outer), 0) << "IPv4 header checksum";
  EXPECT_EQ(frame.u32(26), 0x0a630001U);
  EXPECT_EQ(frame.u32(30), 0x0a630002U);
  const auto next_hop = mac_of(pair.lab.host(2).mac()).bytes;
  EXPECT_TRUE(std::equal(next_hop.begin(), next_hop.end(), frame.bytes.begin())) << frame.hex();
}

TEST(Wire, TsharkDecodesIt) {
  Pair pair;
  Capture wire = pair.lab.wire(1);
  EXPECT_TRUE(pair.a->pings(pair.b->address, 2));
  sleep_for(Milliseconds(100));
  wire.stop();
  const std::string file = lab_folder() + "/wire.pcap";
  wire.write_pcap(file);

  const Outcome outcome = run({"tshark",
                               "-r",
                               file,
                               "-Y",
                               "vxlan && icmp",
                               "-o",
                               "ip.check_checksum:TRUE",
                               "-T",
                               "fields",
                               "-E",
                               "occurrence=a",
                               "-e",
                               "vxlan.vni",
                               "-e",
                               "udp.dstport",
                               "-e",
                               "udp.checksum",
                               "-e",
                               "ip.checksum.status",
                               "-e",
                               "ip.src",
                               "-e",
                               "icmp.seq"});

  ASSERT_TRUE(outcome.ok()) << outcome.text();
  std::istringstream lines(outcome.out);
  std::string line;
  int count = 0;
  const std::string vni = std::to_string(pair.lab.vni("blue"));
  while (std::getline(lines, line)) {
    ++count;
    EXPECT_TRUE(line.starts_with(vni + "\t4789\t0x0000\t1,1\t10.99.0.")) << line;
    EXPECT_NE(line.find(",192.168.7.1"), std::string::npos) << line;
  }
  EXPECT_EQ(count, 4) << outcome.text();
}

// A host with a kernel vxlan device, its underlay a cable that leads nowhere.
struct KernelBed {
  NetNamespace host{};
  Container container{};

  KernelBed(std::uint32_t vni, const std::string& target) {
    host.ip(
        "link add wire type veth peer name sink\nlink set sink up\nlink set wire up\n"
        "address add 10.88.0.1/24 dev wire\n"
        "neighbour add 10.88.0.2 lladdr 02:00:00:00:88:02 dev wire");
    add_kernel_port({.host = host,
                     .vni = vni,
                     .local = "10.88.0.1",
                     .remote_mac = target,
                     .remote = "10.88.0.2"},
                    container);
  }
};

using Ports = std::map<std::uint16_t, std::set<std::uint16_t>>;

Ports outer_ports(const Capture& wire) {
  Ports ports;
  for (const Frame& frame : wire.frames()) {
    const Frame inner{.bytes = frame.inner()};
    if (frame.is_vxlan() && inner.ether_type() == kIpv4 && inner.u16(36) == kDiscard) {
      ports[inner.u16(34)].insert(frame.source_port());
    }
  }
  return ports;
}

// By the same hash. Linux 6.18 draws from a range without its upper bound, 7.2 from one with it:
// there its port may be one more.
std::set<int> differences(const Ports& mine, const Ports& theirs) {
  std::set<int> out;
  for (const auto& [flow, ports] : mine) {
    const auto other = theirs.find(flow);
    const bool both = other != theirs.end() && ports.size() == 1 && other->second.size() == 1;
    out.insert(both ? *other->second.begin() - *ports.begin() : INT_MAX);
  }
  return out;
}

TEST(Wire, SourcePortIsTheKernelsOwnChoice) {
  constexpr int kFlows = 64;
  Pair pair;
  const KernelBed kernel(pair.lab.vni("blue"), pair.b->mac);
  const Capture ours = pair.lab.wire(1);
  const Capture theirs(kernel.host, "wire");
  const RawSender to_ours(pair.a->netns, "eth0");
  const RawSender to_theirs(kernel.container.netns, "eth0");

  for (int round = 0; round < 2; ++round) {
    for (std::uint16_t flow = 0; flow < kFlows; ++flow) {
      const Bytes frame = datagram(*pair.a, *pair.b, static_cast<std::uint16_t>(40000 + flow));
      to_ours.send(frame);
      to_theirs.send(frame);
    }
  }

  wait_until([&] { return outer_ports(theirs).size() == kFlows; }, Seconds(3));
  wait_until([&] { return outer_ports(ours).size() == kFlows; }, Seconds(3));
  sleep_for(Milliseconds(100));
  const auto mine = outer_ports(ours);
  ASSERT_EQ(mine.size(), kFlows);
  const std::set<int> same{0};
  const std::set<int> one_more{0, 1};
  EXPECT_THAT(differences(mine, outer_ports(theirs)),
              testing::AnyOf(same, kernel_is_since(7, 0) ? one_more : same));
  std::set<std::uint16_t> distinct;
  for (const auto& [flow, ports] : mine) {
    EXPECT_EQ(ports.size(), 1U) << "the port of flow " << flow << " is not stable";
    distinct.insert(*ports.begin());
  }
  EXPECT_GT(distinct.size(), kFlows * 3U / 4U) << "the flows are not spread";
}

TEST(Wire, NonIpFramesCrossUnchanged) {
  Pair pair;
  const Bytes sent =
      (Ethernet{.dst = mac_of(pair.b->mac), .src = mac_of(pair.a->mac), .type = kLocalExperiment} /
       Payload{100})
          .bytes();
  const Capture wire = pair.lab.wire(1);
  const Capture arrival(pair.b->netns, "eth0");

  RawSender(pair.a->netns, "eth0").send(sent);

  EXPECT_TRUE(wait_until(
      [&] { return arrival.count([&](const Frame& f) { return f.bytes == sent; }) == 1; },
      Seconds(2)));
  EXPECT_EQ(wire.count([&](const Frame& f) { return f.is_vxlan() && f.inner() == sent; }), 1U);
}

}  // namespace
}  // namespace vtepd::test
