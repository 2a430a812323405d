// SPDX-License-Identifier: GPL-2.0-only
// The kernel data path by itself: its devices, what somebody else does to them, the way from one
// data path to the other, and both in one network. Each test says which data path a host has.
#include "support/frames.h"
#include "support/lab.h"
#include "support/traffic.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr Milliseconds kRepaired = Seconds(30);
const std::string kKernel = "kind = \"kernel\"\n";
const std::string kBpf = "kind = \"bpf\"\n";

HostOptions on(const std::string& kind) {
  return {.datapath = kind};
}

Json link_of(const Host& host, const std::string& name) {
  for (const Json& link : Json::parse(host.at_host_ends({"ip", "-j", "-d", "link"}).out)) {
    if (link.value("ifname", "") == name) {
      return link;
    }
  }
  throw std::runtime_error("no interface " + name);
}

std::string host_end(const Host& host) {
  for (const Json& row : host.rows("endpoints")) {
    if (const std::string end = row.value("host_ifname", ""); !end.empty()) {
      return end;
    }
  }
  throw std::runtime_error("no endpoint here");
}

Json datapath_of(const Host& host) {
  return host.show("status").at("status").at("datapath");
}

TEST(KernelPath, DevicesAreAsDockerLaysThemOut) {
  Pair pair(on(kKernel));
  const Host& host = pair.lab.host(1);
  const std::string vni = std::to_string(pair.lab.vni("blue"));

  const Json vxlan = link_of(host, "vx" + vni);
  const Json data = vxlan.at("linkinfo").at("info_data");

  EXPECT_EQ(data.at("id"), pair.lab.vni("blue"));
  EXPECT_EQ(data.at("local"), host.address());
  EXPECT_EQ(data.at("port"), 4789);
  EXPECT_EQ(data.at("learning"), false);
  EXPECT_EQ(data.at("proxy"), true);
  EXPECT_EQ(data.at("l2miss"), true);
  EXPECT_EQ(data.at("l3miss"), true);
  EXPECT_EQ(data.at("udp_csum"), false) << "as the BPF data path sends";
  EXPECT_EQ(data.at("ttl"), 64);
  EXPECT_EQ(vxlan.at("mtu"), 1450);
  EXPECT_EQ(vxlan.at("master"), "br" + vni);
  const Json port = link_of(host, host_end(host)).at("linkinfo").at("info_slave_data");
  EXPECT_EQ(port.at("learning"), false);
  EXPECT_EQ(port.at("flood"), false);
  EXPECT_EQ(port.at("bcast_flood"), false);
  const std::string own = host.netns().exec({"ip", "-o", "link"}).out;
  EXPECT_EQ(own.find("vx" + vni), std::string::npos) << "nothing in the host's own namespace";
  EXPECT_EQ(own.find(host_end(host)), std::string::npos);
  EXPECT_EQ(host.at_host_ends({"sysctl", "-n", "net.ipv4.ip_forward"}).out, "0\n");
  EXPECT_EQ(datapath_of(host).at("kind"), "kernel");
  EXPECT_EQ(datapath_of(host).at("checks"), "nftables");
}

TEST(KernelPath, ShowsTheSameTablesAsTheBpfDataPath) {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> shown;
  for (const std::string& kind : {kKernel, kBpf}) {
    Pair pair(on(kind));
    for (const char* what : {"fdb", "neigh", "vteps", "endpoints"}) {
      for (Json row : pair.lab.host(1).rows(what)) {
        for (const char* differs : {"ifindex", "device", "host_ifname", "id", "netns", "instance",
                                    "name", "endpoint", "sandbox", "network_id"}) {
          row.erase(differs);
        }
        shown[kind][what].push_back(row.dump());
      }
      std::sort(shown[kind][what].begin(), shown[kind][what].end());
    }
  }
  EXPECT_FALSE(shown[kKernel]["fdb"].empty());
  EXPECT_EQ(shown[kKernel], shown[kBpf]);
}

// Somebody asks for what is not there: the store is asked, and people can count it.
TEST(KernelPath, MissesAreCounted) {
  Pair pair(on(kKernel));
  const Host& host = pair.lab.host(1);

  EXPECT_FALSE(pair.a->pings("192.168.7.99", 1));
  EXPECT_GT(host.counter("ARP_UNKNOWN"), 0U);
  pair.a->netns.ip("neigh replace 192.168.7.98 lladdr 02:42:c0:a8:07:62 dev eth0");
  EXPECT_FALSE(pair.a->pings("192.168.7.98", 1));
  EXPECT_GT(host.counter("UNKNOWN_UNICAST"), 0U);
  EXPECT_TRUE(pair.a->pings(pair.b->address)) << "the twin";
}

struct Meddling {
  const char* name;
  // VNI, END, PEERMAC, MAC, ADDRESS and MOUNT are filled in.
  std::vector<std::vector<std::string>> commands;
};

class KernelDrift : public testing::TestWithParam<Meddling> {
 protected:
  [[nodiscard]] std::vector<std::string> filled_in(std::vector<std::string> words) {
    const std::vector<std::pair<std::string, std::string>> values{
        {"VNI", std::to_string(pair_.lab.vni("blue"))},
        {"END", host_end(host_)},
        {"PEERMAC", pair_.b->mac},
        {"MAC", pair_.a->mac},
        {"ADDRESS", pair_.b->address},
        {"MOUNT", host_.overlay_netns()}};
    for (std::string& word : words) {
      for (const auto& [key, value] : values) {
        if (const auto at = word.find(key); at != std::string::npos) {
          word.replace(at, key.size(), value);
        }
      }
    }
    return words;
  }

  Pair pair_{on(kKernel)};
  Host& host_ = pair_.lab.host(1);
};

TEST_P(KernelDrift, IsPutRight) {
  ASSERT_TRUE(pair_.a->pings(pair_.b->address));
  (void)pair_.a->netns.exec({"ip", "neigh", "flush", "all"});
  StallMeter stalls;
  const auto begin = Clock::now();

  for (const auto& words : GetParam().commands) {
    const Outcome done = host_.at_host_ends(filled_in(words));
    ASSERT_TRUE(done.ok()) << words.at(0) << " " << words.at(1) << ": " << done.text();
  }

  EXPECT_TRUE(
      wait_until([&] { return read_file(host_.log_path()).find("put right") != std::string::npos; },
                 kRepaired + stalls.worst(), Milliseconds(100)));
  EXPECT_TRUE(wait_until([&] { return pair_.a->pings(pair_.b->address, 1); }, Seconds(5)));
  std::cout << "put right after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  EXPECT_TRUE(pair_.b->pings(pair_.a->address));
  EXPECT_EQ(link_of(host_, host_end(host_)).at("linkinfo").at("info_slave_data").at("flood"),
            false);
  EXPECT_EQ(host_.ctl({"show", "status"}).code, 0) << host_.ctl({"show", "status"}).text();
}

INSTANTIATE_TEST_SUITE_P(
    Somebody, KernelDrift,
    testing::Values(Meddling{"Entries",
                             {{"bridge", "link", "set", "dev", "END", "flood", "on"},
                              {"bridge", "fdb", "del", "PEERMAC", "dev", "vxVNI", "self"},
                              {"bridge", "fdb", "del", "MAC", "dev", "END", "master"},
                              {"ip", "neigh", "del", "ADDRESS", "dev", "vxVNI"}}},
                    Meddling{"Settings",
                             {{"ip", "link", "set", "vxVNI", "down"},
                              {"ip", "link", "set", "END", "nomaster"},
                              {"nft", "flush", "ruleset"},
                              {"umount", "-l", "MOUNT"}}},
                    Meddling{"VxlanDeleted", {{"ip", "link", "del", "vxVNI"}}},
                    Meddling{"BridgeDeleted", {{"ip", "link", "del", "brVNI"}}}),
    [](const auto& meddling) { return std::string(meddling.param.name); });

// The rules in the host's own namespace, that say which VTEPs may send.
TEST(KernelPath, MembersThatSomebodyForgotAreThereAgain) {
  Pair pair(on(kKernel));
  Host& host = pair.lab.host(1);
  const auto known = [&] {
    return host.netns()
               .exec({"nft", "list", "set", "ip", "vtepd-" + host.instance(), "members"})
               .out.find(pair.lab.host(2).address()) != std::string::npos;
  };
  ASSERT_TRUE(known());
  StallMeter stalls;

  ASSERT_TRUE(host.netns().exec({"nft", "flush", "ruleset"}).ok());

  EXPECT_TRUE(wait_until(known, kRepaired + stalls.worst(), Milliseconds(100)));
  EXPECT_TRUE(pair.b->pings(pair.a->address));
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
    EXPECT_EQ(datapath_of(host_).at("kind"), kind == kKernel ? "kernel" : "bpf");
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
