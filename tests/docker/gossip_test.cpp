// SPDX-License-Identifier: GPL-2.0-only
// vtepd hosts and Docker hosts on one network, whichever of them made it: Docker hears of vtepd's
// endpoints by gossip alone.
#include "support/keepalived.h"
#include "support/mixed_lab.h"
#include "support/traffic.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::size_t kBytes = 1U << 20U;

class MixedGossip : public testing::Test {
 protected:
  [[nodiscard]] static MixedLabOptions options() {
    HostOptions host;
    host.gossip = "kind = \"serf\"\n";
    return {.dockers = 2, .vtepds = 2, .host = host};
  }

  MixedGossip() { lab_.lab().start(); }

  // `net` is the first three bytes of the network's addresses.
  void populate(const std::string& network, const std::string& net) {
    c1_ = &lab_.docker(1).run("con1", network);
    c2_ = &lab_.docker(2).run("con2", network);
    e1_ = &lab_.vtepd(1).attach(network, net + ".101", {"--name", "end1"});
    e2_ = &lab_.vtepd(2).attach(network, net + ".102", {"--name", "end2"});
  }

  [[nodiscard]] std::vector<const Container*> all() const { return {c1_, c2_, e1_, e2_}; }

  void expect_full_mesh() {
    for (const Container* from : all()) {
      for (const Container* to : all()) {
        if (from != to) {
          EXPECT_TRUE(wait_until([&] { return from->pings(to->address, 1); }, Seconds(10)))
              << from->address << " to " << to->address;
          EXPECT_TRUE(from->pings(to->address)) << from->address << " to " << to->address;
        }
      }
    }
  }

  void expect_data_both_ways() {
    for (const auto& [from, to] : {std::pair(c1_, e1_), std::pair(e2_, c2_), std::pair(e1_, e2_)}) {
      EXPECT_EQ(tcp_transfer(from->netns, to->netns, to->address, kBytes), kBytes)
          << from->address << " to " << to->address;
      EXPECT_TRUE(udp_echo(from->netns, to->netns, to->address, 1400))
          << from->address << " to " << to->address;
    }
  }

  // Whether the overlay namespace of the Docker host has the endpoint's neighbour and FDB entry.
  [[nodiscard]] bool docker_knows(int number, const std::string& network_id,
                                  const Container& endpoint) {
    const auto neighbours = lab_.docker(number).in_overlay(network_id, {"ip", "neigh"}).out;
    const auto fdb = lab_.docker(number).in_overlay(network_id, {"bridge", "fdb"}).out;
    return neighbours.find(endpoint.address + " ") != std::string::npos &&
           fdb.find(endpoint.mac) != std::string::npos;
  }

  MixedLab lab_{options()};
  Container* c1_ = nullptr;
  Container* c2_ = nullptr;
  Container* e1_ = nullptr;
  Container* e2_ = nullptr;
};

TEST_F(MixedGossip, ANetworkThatDockerMade) {
  const auto id = lab_.docker(1).network_create("blue", "192.168.7.0/24");
  populate("blue", "192.168.7");
  expect_full_mesh();
  expect_data_both_ways();

  const auto listed = lab_.vtepd(1).ctl({"show", "endpoints"}).out;
  for (const char* name : {"con1", "con2", "end1", "end2"}) {
    EXPECT_NE(listed.find(name), std::string::npos) << listed;
  }
  EXPECT_TRUE(wait_until([&] { return docker_knows(1, id, *e1_) && docker_knows(2, id, *e2_); },
                         Seconds(10)));
  lab_.vtepd(1).must({"detach", "end1"});
  EXPECT_TRUE(wait_until([&] { return !docker_knows(1, id, *e1_); }, Seconds(10)))
      << "the leave takes it out again";
  EXPECT_TRUE(docker_knows(1, id, *e2_));
}

TEST_F(MixedGossip, ANetworkThatVtepdMade) {
  lab_.vtepd(1).must({"network", "create", "green", "--subnet", "192.168.8.0/24"});
  const auto& docker = lab_.docker(1);
  ASSERT_TRUE(wait_until([&] { return docker.has_network("green"); }, Seconds(10)));
  populate("green", "192.168.8");
  expect_full_mesh();
  expect_data_both_ways();

  const auto refused = docker.docker({"network", "rm", "green"});
  EXPECT_FALSE(refused.ok());
  EXPECT_NE(refused.text().find("active endpoints"), std::string::npos) << refused.text();
  lab_.docker(1).rm("con1");
  lab_.docker(2).rm("con2");
  lab_.vtepd(1).must({"detach", "end1"});
  lab_.vtepd(2).must({"detach", "end2"});
  docker.network_rm("green");
  EXPECT_TRUE(wait_until(
      [&] {
        return lab_.vtepd(1).ctl({"network", "list"}).out.find("green") == std::string::npos;
      },
      Seconds(10)));
}

// A container that talks to a virtual address follows it from one vtepd host to the other, and
// back: Docker is told by gossip who has lost it before it is told who has it now.
TEST_F(MixedGossip, AContainerFollowsAKeepalivedFailover) {
  constexpr const char* kVirtual = "192.168.7.100";
  lab_.docker(1).network_create("blue", "192.168.7.0/24");
  const Container& container = lab_.docker(1).run("con1", "blue");
  const Container& one = lab_.vtepd(1).attach("blue", "192.168.7.101",
                                              {"--allow-address", std::string(kVirtual) + "/32"});
  const Container& two = lab_.vtepd(2).attach("blue", "192.168.7.102",
                                              {"--allow-address", std::string(kVirtual) + "/32"});
  ASSERT_TRUE(wait_until([&] { return one.pings(two.address, 1); }, Seconds(10)));
  const auto router = [&](const Container& on, const Container& peer, int priority) {
    return std::make_unique<Keepalived>(
        on.netns, KeepalivedOptions{.address = on.address,
                                    .peer = peer.address,
                                    .virtual_address = std::string(kVirtual) + "/24",
                                    .priority = priority});
  };
  const auto first = router(one, two, 150);
  const auto second = router(two, one, 100);
  ASSERT_TRUE(wait_until([&] { return first->is_master(); }, Seconds(10))) << first->output();
  const auto reaches = [&](const Container& holder) {
    return wait_until(
        [&] {
          return container.pings(kVirtual, 1) &&
                 container.netns.exec({"ip", "neigh", "show", kVirtual}).out.find(holder.mac) !=
                     std::string::npos;
        },
        Seconds(15), Milliseconds(100));
  };
  EXPECT_TRUE(reaches(one)) << container.netns.exec({"ip", "neigh"}).out;

  const auto begin = Clock::now();
  first->stop();
  EXPECT_TRUE(reaches(two)) << container.netns.exec({"ip", "neigh"}).out;
  std::cout << "followed after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  first->start();
  EXPECT_TRUE(reaches(one)) << container.netns.exec({"ip", "neigh"}).out;
}

}  // namespace
}  // namespace vtepd::test
