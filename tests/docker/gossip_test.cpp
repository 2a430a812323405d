// SPDX-License-Identifier: GPL-2.0-only
// vtepd hosts and Docker hosts on one network, whichever of them made it: Docker hears of vtepd's
// endpoints by gossip alone.
#include "docker/four_hosts.h"
#include "support/keepalived.h"

#include <iostream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

class MixedGossip : public FourHosts {};

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
