// SPDX-License-Identifier: GPL-2.0-only
// From one data path to the other, and both in one network.
#include "support/lab.h"
#include "support/traffic.h"

#include <filesystem>
#include <iostream>
#include <set>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

const std::string kKernel = "kind = \"kernel\"\n";
const std::string kBpf = "kind = \"bpf\"\n";

HostOptions on(const std::string& kind) {
  return {.datapath = kind};
}

// A kernel upgraded, or a configuration changed, between two starts.
class OtherPath : public testing::Test {
 protected:
  void restart_on(const std::string& kind) {
    host_.stop();
    host_.set_datapath(kind);
    // At 50 a second, so that what is lost says how long the endpoints were cut off.
    Process ping(pair_.a->netns.command(
                     {"ping", "-n", "-q", "-i", "0.02", "-c", "150", "-W", "1", pair_.b->address}),
                 lab_folder() + "/other-path.log");
    host_.start();
    ping.wait(Seconds(20));
    std::cout << "to " << kind << ping.output() << "\n";
    EXPECT_EQ(host_.datapath().at("kind"), kind == kKernel ? "kernel" : "bpf");
    expect_all_forwards();
  }

  void expect_all_forwards() {
    constexpr std::size_t kBytes = 1U << 20U;
    const Container& b = *pair_.b;
    for (const Container* container : {pair_.a, neighbour_}) {
      EXPECT_TRUE(container->pings(b.address));
      EXPECT_TRUE(b.pings(container->address));
      EXPECT_EQ(tcp_transfer(container->netns, b.netns, b.address, kBytes), kBytes);
    }
    EXPECT_TRUE(pair_.a->pings(neighbour_->address));
  }

  [[nodiscard]] std::set<std::string> own_links() const {
    std::set<std::string> names;
    for (const Json& link : Json::parse(host_.netns().exec({"ip", "-j", "link"}).out)) {
      names.insert(link.at("ifname"));
    }
    return names;
  }

  Pair pair_{on(kBpf)};
  Host& host_ = pair_.lab.host(1);
  Container* neighbour_ = &host_.attach("blue", "192.168.7.13", {"--wait"});
};

TEST_F(OtherPath, KeepsTheEndpointsAndLeavesNothingOfTheEarlier) {
  const auto endpoints = host_.rows("endpoints").size();
  const auto links = own_links();

  restart_on(kKernel);

  EXPECT_EQ(host_.rows("endpoints").size(), endpoints);
  EXPECT_FALSE(std::filesystem::exists(host_.pin_dir()));
  const std::string programs = host_.netns().exec({"bpftool", "net", "show"}).out;
  EXPECT_EQ(programs.find("vtep_"), std::string::npos) << programs;
  EXPECT_EQ(own_links(), (std::set<std::string>{"lo", "eth0"}));

  restart_on(kBpf);

  EXPECT_EQ(host_.rows("endpoints").size(), endpoints);
  EXPECT_FALSE(std::filesystem::exists(host_.overlay_netns()));
  EXPECT_EQ(host_.netns().exec({"nft", "list", "ruleset"}).out, "");
  EXPECT_EQ(own_links(), links);
}

TEST_F(OtherPath, KilledOnTheWayOverItGetsThere) {
  constexpr int kKills = 12;
  for (int i = 0; i < kKills; ++i) {
    host_.stop();
    host_.set_datapath(i % 2 == 0 ? kKernel : kBpf);
    host_.launch();
    sleep_for(Milliseconds(5 + 25 * i));
    host_.kill9();
  }

  host_.start();

  expect_all_forwards();
  EXPECT_EQ(host_.rows("endpoints").size(), 3U);
  EXPECT_TRUE(own_links().contains("vtepx4789")) << "BPF was the last one asked for";
}

TEST(MixedPaths, EachReachesTheOther) {
  constexpr std::size_t kBytes = 16U << 20U;
  Lab lab({.hosts = 1, .host = on(kBpf)});
  lab.add_host(on(kKernel));
  const auto [bpf, kernel] = attach_neighbours(lab);

  EXPECT_TRUE(bpf->pings(kernel->address));
  EXPECT_TRUE(kernel->pings(bpf->address));
  EXPECT_EQ(tcp_transfer(bpf->netns, kernel->netns, kernel->address, kBytes), kBytes);
  EXPECT_EQ(tcp_transfer(kernel->netns, bpf->netns, bpf->address, kBytes), kBytes);
  EXPECT_TRUE(udp_echo(bpf->netns, kernel->netns, kernel->address, 1400));
  EXPECT_TRUE(udp_echo(kernel->netns, bpf->netns, bpf->address, 9000)) << "in fragments";
}

}  // namespace
}  // namespace vtepd::test
