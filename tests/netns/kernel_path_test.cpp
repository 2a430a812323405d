// SPDX-License-Identifier: GPL-2.0-only
// The kernel data path by itself: its devices, what they tell, and what somebody else does to them.
#include "support/frames.h"
#include "support/lab.h"

#include <algorithm>
#include <iostream>
#include <map>

#include <gmock/gmock.h>
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
  EXPECT_EQ(data.at("df"), "set");
  EXPECT_EQ(vxlan.at("mtu"), 1450);
  EXPECT_EQ(vxlan.at("master"), "br" + vni);
  const Json port = link_of(host, host.host_end()).at("linkinfo").at("info_slave_data");
  EXPECT_EQ(port.at("learning"), false);
  EXPECT_EQ(port.at("flood"), false);
  EXPECT_EQ(port.at("bcast_flood"), false);
  const std::string own = host.netns().exec({"ip", "-o", "link"}).out;
  EXPECT_EQ(own.find("vx" + vni), std::string::npos) << "nothing in the host's own namespace";
  EXPECT_EQ(own.find(host.host_end()), std::string::npos);
  EXPECT_EQ(host.at_host_ends({"sysctl", "-n", "net.ipv4.ip_forward"}).out, "0\n");
  // Where the kernel has that at all.
  const Outcome firewall =
      host.at_host_ends({"sysctl", "-n", "net.bridge.bridge-nf-call-iptables"});
  EXPECT_TRUE(!firewall.ok() || firewall.out == "0\n") << firewall.text();
  EXPECT_EQ(host.datapath().at("kind"), "kernel");
  EXPECT_EQ(host.datapath().at("checks"), "nftables");
}

TEST(KernelPath, ProbeFindsWhatItNeeds) {
  const Outcome probe = run({vtepd_program(), "probe"});

  EXPECT_TRUE(probe.ok()) << probe.text();
  for (const char* row :
       {"vxlan device +yes +yes ", "bridge device +yes +yes ", "nftables +yes +no "}) {
    EXPECT_THAT(probe.out, testing::ContainsRegex(row));
  }
}

// The index of the host end in its namespace is often that of eth0 in the host's own.
TEST(KernelPath, ALocalEntryIsShownByItsHostEnd) {
  Pair pair(on(kKernel));
  Host& host = pair.lab.host(1);
  const std::string end = host.host_end();
  const auto device = [&] {
    for (const Json& row : host.rows("fdb")) {
      if (row.at("mac") == pair.a->mac) {
        return row.at("device").get<std::string>();
      }
    }
    return std::string("not there");
  };

  EXPECT_EQ(device(), end);
  host.stop();
  EXPECT_EQ(device(), end) << "without the daemon";
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

// What an endpoint says of an address that it has is not written to the store again.
TEST(KernelPath, AnAnnouncementOfWhatIsKnownIsNoNews) {
  Pair pair(on(kKernel));
  const Host& host = pair.lab.host(1);
  const std::string moved = "address moved";

  ASSERT_TRUE(pair.a->netns.exec({"arping", "-U", "-c", "2", "-I", "eth0", pair.a->address}).ok());

  EXPECT_TRUE(pair.a->pings(pair.b->address));
  EXPECT_EQ(read_file(host.log_path()).find(moved), std::string::npos);
  const Container& other =
      pair.lab.host(1).attach("blue", "192.168.7.13", {"--allow-address", "192.168.7.50/32"});
  other.netns.ip("address add 192.168.7.50/24 dev eth0");
  ASSERT_TRUE(other.netns.exec({"arping", "-U", "-c", "2", "-I", "eth0", "192.168.7.50"}).ok());
  EXPECT_TRUE(wait_until(
      [&] { return read_file(host.log_path()).find(moved) != std::string::npos; }, Seconds(5)))
      << "the twin: one that is news";
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
        {"END", host_.host_end()},
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
  EXPECT_EQ(link_of(host_, host_.host_end()).at("linkinfo").at("info_slave_data").at("flood"),
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

}  // namespace
}  // namespace vtepd::test
