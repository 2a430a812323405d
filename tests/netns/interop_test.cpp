// SPDX-License-Identifier: GPL-2.0-only
// A host that has nothing but a kernel vxlan device, and other users of VXLAN on a vtepd host.
#include "support/frames.h"
#include "support/lab.h"
#include "support/store.h"
#include "support/traffic.h"

#include <functional>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::uint16_t kLocalExperiment = 0x88b5;

std::vector<std::string> interfaces(const NetNamespace& netns) {
  std::vector<std::string> names;
  for (const Json& link : Json::parse(netns.exec({"ip", "-j", "link"}).out)) {
    const std::string name = link.at("ifname");
    if (name != "lo") {
      names.push_back(name);
    }
  }
  return names;
}

void offloads_off(const NetNamespace& netns) {
  for (const std::string& name : interfaces(netns)) {
    // Not every device can do without; what it cannot switch it says by its exit code.
    (void)netns.exec(
        {"ethtool", "-K", name, "tx", "off", "gso", "off", "tso", "off", "gro", "off"});
  }
}

// Host 1 runs vtepd, host 2 has a plain kernel vxlan device with static entries.
class KernelPeer : public testing::TestWithParam<bool> {
 protected:
  KernelPeer() {
    lab_.host(1).start();
    lab_.create_network("blue", "192.168.7.0/24");
    ours_ = &lab_.host(1).attach("blue", "192.168.7.11");
    theirs_.address = "192.168.7.20";
    theirs_.mac = "02:42:c0:a8:07:14";
    add_kernel_port({.host = lab_.host(2).netns(),
                     .vni = lab_.vni("blue"),
                     .local = "10.99.0.2",
                     .remote_mac = ours_->mac,
                     .remote = "10.99.0.1"},
                    theirs_);
    theirs_.netns.ip("neighbour add " + ours_->address + " lladdr " + ours_->mac + " dev eth0");
    write_endpoint(lab_.store(), {.network_id = lab_.network_id("blue"),
                                  .id = numbered_id(7),
                                  .address = theirs_.address,
                                  .mac = theirs_.mac,
                                  .vtep = "10.99.0.2"});
    await_known(lab_.host(1), theirs_.address);
    if (!GetParam()) {
      for (const NetNamespace& netns :
           {std::cref(lab_.underlay()), std::cref(lab_.host(1).netns()),
            std::cref(lab_.host(2).netns()), std::cref(ours_->netns), std::cref(theirs_.netns)}) {
        offloads_off(netns);
      }
    }
  }

  Lab lab_{};
  Container* ours_ = nullptr;
  Container theirs_{};
};

TEST_P(KernelPeer, PingsBothWays) {
  EXPECT_TRUE(ours_->pings(theirs_.address));
  EXPECT_TRUE(theirs_.pings(ours_->address));
}

TEST_P(KernelPeer, PingsAtTheMtu) {
  const std::vector<std::string> full{"-M", "do", "-s", "1422"};
  const Outcome there = ours_->ping(theirs_.address, 3, full);
  const Outcome back = theirs_.ping(ours_->address, 3, full);

  EXPECT_TRUE(there.ok()) << there.text();
  EXPECT_TRUE(back.ok()) << back.text();
  EXPECT_FALSE(ours_->ping(theirs_.address, 1, {"-M", "do", "-s", "1423"}).ok());
}

TEST_P(KernelPeer, TcpBothWays) {
  constexpr std::size_t kBytes = 8U << 20U;
  EXPECT_EQ(tcp_transfer(ours_->netns, theirs_.netns, theirs_.address, kBytes), kBytes);
  EXPECT_EQ(tcp_transfer(theirs_.netns, ours_->netns, ours_->address, kBytes), kBytes);
}

TEST_P(KernelPeer, UdpBothWaysAlsoInFragments) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1400}, std::size_t{4000}}) {
    EXPECT_TRUE(udp_echo(ours_->netns, theirs_.netns, theirs_.address, size)) << size;
    EXPECT_TRUE(udp_echo(theirs_.netns, ours_->netns, ours_->address, size)) << size;
  }
}

TEST_P(KernelPeer, NonIpFramesBothWays) {
  const auto frame = [](const Container& from, const Container& to) {
    return (Ethernet{.dst = mac_of(to.mac), .src = mac_of(from.mac), .type = kLocalExperiment} /
            Payload{100})
        .bytes();
  };
  const Bytes there = frame(*ours_, theirs_);
  const Bytes back = frame(theirs_, *ours_);
  const Capture at_theirs(theirs_.netns, "eth0");
  const Capture at_ours(ours_->netns, "eth0");

  RawSender(ours_->netns, "eth0").send(there);
  RawSender(theirs_.netns, "eth0").send(back);

  EXPECT_TRUE(wait_until([&] { return at_theirs.count(is(there)) == 1; }, Seconds(2)));
  EXPECT_TRUE(wait_until([&] { return at_ours.count(is(back)) == 1; }, Seconds(2)));
}

INSTANTIATE_TEST_SUITE_P(With, KernelPeer, testing::Bool(),
                         [](const auto& test) { return test.param ? "offloads" : "no_offloads"; });

// A point-to-point overlay of somebody else between the lab's two hosts, on vtepd's own port.
void add_plain_device(const Host& host, const std::string& name, unsigned vni,
                      const std::string& remote, const std::string& address) {
  host.netns().ip("link add " + name + " type vxlan id " + std::to_string(vni) + " local " +
                  host.address() + " remote " + remote + " dstport 4789\nlink set " + name +
                  " up\naddress add " + address + "/24 dev " + name);
}

TEST(PlainDevice, WorksBesideVtepdBeforeAndAfter) {
  Lab lab;
  add_plain_device(lab.host(1), "early", 90, "10.99.0.2", "172.30.1.1");
  add_plain_device(lab.host(2), "early", 90, "10.99.0.1", "172.30.1.2");
  const auto reaches = [&](const std::string& address) {
    return lab.host(1)
        .netns()
        .exec({"ping", "-n", "-c", "2", "-i", "0.1", "-W", "2", address})
        .ok();
  };
  ASSERT_TRUE(reaches("172.30.1.2")) << "before vtepd";
  lab.start();
  lab.create_network("blue", "192.168.7.0/24");
  const Container& a = lab.host(1).attach("blue", "192.168.7.11", {"--wait"});
  const Container& b = lab.host(2).attach("blue", "192.168.7.12", {"--wait"});

  EXPECT_TRUE(reaches("172.30.1.2")) << "beside vtepd";
  add_plain_device(lab.host(1), "late", 91, "10.99.0.2", "172.30.2.1");
  add_plain_device(lab.host(2), "late", 91, "10.99.0.1", "172.30.2.2");
  EXPECT_TRUE(reaches("172.30.2.2")) << "made after vtepd";
  EXPECT_TRUE(a.pings(b.address));
  EXPECT_TRUE(b.pings(a.address));
}

}  // namespace
}  // namespace vtepd::test
