// SPDX-License-Identifier: GPL-2.0-only
// The kernel data path by itself: its devices, what somebody else does to them, the way from one
// data path to the other, and both in one network. Each test says which data path a host has.
#include "support/frames.h"
#include "support/lab.h"
#include "support/traffic.h"

#include <filesystem>
#include <iostream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr Milliseconds kRepaired = Seconds(30);
constexpr const char* kKernel = "kind = \"kernel\"\n";
constexpr const char* kBpf = "kind = \"bpf\"\n";

HostOptions on(const char* kind) {
  return {.datapath = kind};
}

Json links_of(const Host& host) {
  return Json::parse(host.at_host_ends({"ip", "-j", "-d", "link"}).out);
}

Json link_of(const Host& host, const std::string& name) {
  for (const Json& link : links_of(host)) {
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

void must(const Host& host, const std::vector<std::string>& words) {
  const Outcome done = host.at_host_ends(words);
  ASSERT_TRUE(done.ok()) << done.text();
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
  const Json status = host.show("status").at("status").at("datapath");
  EXPECT_EQ(status.at("kind"), "kernel");
  EXPECT_EQ(status.at("checks"), "nftables");
}

TEST(KernelPath, ShowsTheSameTablesAsTheBpfDataPath) {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> shown;
  for (const char* kind : {kKernel, kBpf}) {
    Pair pair(on(kind));
    for (const char* what : {"fdb", "neigh", "vteps", "endpoints"}) {
      for (Json row : pair.lab.host(1).rows(what)) {
        for (const char* differs : {"ifindex", "device", "host_ifname", "id", "netns", "host",
                                    "instance", "name", "endpoint", "endpoint_id", "sandbox"}) {
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

struct Meddling {
  const char* name;
  std::vector<std::string> words;  // VNI, END, MAC, PEERMAC and ADDRESS are filled in
};

class KernelDrift : public testing::TestWithParam<Meddling> {};

TEST_P(KernelDrift, IsPutRightAndLoggedOnce) {
  Pair pair(on(kKernel));
  Host& host = pair.lab.host(1);
  std::vector<std::string> words = GetParam().words;
  const std::map<std::string, std::string> values{
      {"VNI", std::to_string(pair.lab.vni("blue"))}, {"END", host_end(host)},
      {"PEERMAC", pair.b->mac},                      {"MAC", pair.a->mac},
      {"ADDRESS", pair.b->address},                  {"MOUNT", host.overlay_netns()}};
  for (std::string& word : words) {
    for (const auto& [key, value] : values) {
      if (const auto at = word.find(key); at != std::string::npos) {
        word.replace(at, key.size(), value);
      }
    }
  }
  ASSERT_TRUE(pair.a->pings(pair.b->address));
  (void)pair.a->netns.exec({"ip", "neigh", "flush", "all"});
  StallMeter stalls;
  const auto begin = Clock::now();

  must(host, words);

  EXPECT_TRUE(wait_until(
      [&] { return read_file(host.log_path()).find("put right") != std::string::npos; },
      kRepaired + stalls.worst(), Milliseconds(100)));
  EXPECT_TRUE(wait_until([&] { return pair.a->pings(pair.b->address, 1); }, Seconds(5)));
  std::cout << "put right after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  EXPECT_TRUE(pair.b->pings(pair.a->address));
  EXPECT_EQ(host.ctl({"show", "status"}).code, 0) << host.ctl({"show", "status"}).text();
}

INSTANTIATE_TEST_SUITE_P(
    Somebody, KernelDrift,
    testing::Values(
        Meddling{"VxlanDeleted", {"ip", "link", "del", "vxVNI"}},
        Meddling{"VxlanDown", {"ip", "link", "set", "vxVNI", "down"}},
        Meddling{"BridgeDeleted", {"ip", "link", "del", "brVNI"}},
        Meddling{"PortTakenOut", {"ip", "link", "set", "END", "nomaster"}},
        Meddling{"PortFloods", {"bridge", "link", "set", "dev", "END", "flood", "on"}},
        Meddling{"RemoteMacDeleted", {"bridge", "fdb", "del", "PEERMAC", "dev", "vxVNI", "self"}},
        Meddling{"LocalMacDeleted", {"bridge", "fdb", "del", "MAC", "dev", "END", "master"}},
        Meddling{"NeighbourDeleted", {"ip", "neigh", "del", "ADDRESS", "dev", "vxVNI"}},
        Meddling{"RulesFlushed", {"nft", "flush", "ruleset"}},
        Meddling{"Unmounted", {"umount", "-l", "MOUNT"}}),
    [](const auto& meddling) { return std::string(meddling.param.name); });

// The rules in the host's own namespace, that say which VTEPs may send.
TEST(KernelPath, MembersThatSomebodyForgotAreLetInAgain) {
  Pair pair(on(kKernel));
  Host& host = pair.lab.host(1);
  StallMeter stalls;

  ASSERT_TRUE(host.netns().exec({"nft", "flush", "ruleset"}).ok());

  EXPECT_TRUE(wait_until(
      [&] {
        return host.netns()
                   .exec({"nft", "list", "set", "ip", "vtepd-" + host.instance(), "members"})
                   .out.find(pair.lab.host(2).address()) != std::string::npos;
      },
      kRepaired + stalls.worst(), Milliseconds(100)));
  EXPECT_TRUE(pair.b->pings(pair.a->address));
}

// A kernel upgraded, or a configuration changed, between two starts.
class OtherPath : public testing::Test {
 protected:
  void restart_on(const char* kind) {
    host_.stop();
    host_.set_datapath(kind);
    host_.start();
    EXPECT_EQ(host_.show("status").at("status").at("datapath").at("kind"),
              kind == kKernel ? "kernel" : "bpf");
    expect_all_forwards();
  }

  void expect_all_forwards() {
    const Container& b = *pair_.b;
    for (const Container* container : {pair_.a, neighbour_}) {
      EXPECT_TRUE(container->pings(b.address));
      EXPECT_TRUE(b.pings(container->address));
      EXPECT_EQ(tcp_transfer(container->netns, b.netns, b.address, 1U << 20U), 1U << 20U);
    }
    EXPECT_TRUE(pair_.a->pings(neighbour_->address));
  }

  Pair pair_{on(kBpf)};
  Host& host_ = pair_.lab.host(1);
  Container* neighbour_ = &host_.attach("blue", "192.168.7.13", {"--wait"});
};

TEST_F(OtherPath, KeepsTheEndpointsAndLeavesNothingOfTheEarlier) {
  const auto endpoints = host_.rows("endpoints").size();
  const std::string links = host_.netns().exec({"ip", "-o", "-br", "link"}).out;

  restart_on(kKernel);

  EXPECT_EQ(host_.rows("endpoints").size(), endpoints);
  EXPECT_FALSE(std::filesystem::exists(host_.pin_dir()));
  const std::string programs = host_.netns().exec({"bpftool", "net", "show"}).out;
  EXPECT_EQ(programs.find("vtep_"), std::string::npos) << programs;
  EXPECT_EQ(host_.netns().exec({"ip", "-o", "-br", "link"}).out.find("vtep"), std::string::npos);

  restart_on(kBpf);

  EXPECT_EQ(host_.rows("endpoints").size(), endpoints);
  EXPECT_FALSE(std::filesystem::exists(host_.overlay_netns()));
  EXPECT_EQ(host_.netns().exec({"nft", "list", "ruleset"}).out, "");
  const auto names = [](const std::string& list) { return std::count(list.begin(), list.end(), '\n'); };
  EXPECT_EQ(names(host_.netns().exec({"ip", "-o", "-br", "link"}).out), names(links));
}

// Killed at any place of the way over, the next start finds its way.
TEST_F(OtherPath, KilledOnTheWayOverItGetsThere) {
  const char* kinds[] = {kKernel, kBpf};
  for (int i = 0; i < 12; ++i) {
    host_.set_datapath(kinds[i % 2]);
    host_.stop();
    host_.launch();
    sleep_for(Milliseconds(5 + 25 * i));
    host_.kill9();
  }
  host_.set_datapath(kBpf);
  host_.launch();
  host_.kill9();

  host_.start();

  expect_all_forwards();
  EXPECT_EQ(host_.rows("endpoints").size(), 3U);
}

TEST(MixedPaths, EachReachesTheOther) {
  Lab lab({.hosts = 1, .host = on(kBpf)});
  lab.add_host(on(kKernel));
  const auto [bpf, kernel] = attach_neighbours(lab);

  EXPECT_TRUE(bpf->pings(kernel->address));
  EXPECT_TRUE(kernel->pings(bpf->address));
  for (const std::size_t size : {std::size_t{1} << 20U, std::size_t{16} << 20U}) {
    EXPECT_EQ(tcp_transfer(bpf->netns, kernel->netns, kernel->address, size), size);
    EXPECT_EQ(tcp_transfer(kernel->netns, bpf->netns, bpf->address, size), size);
  }
  EXPECT_TRUE(udp_echo(bpf->netns, kernel->netns, kernel->address, 1400));
  EXPECT_TRUE(udp_echo(kernel->netns, bpf->netns, bpf->address, 9000)) << "in fragments";
}

}  // namespace
}  // namespace vtepd::test
