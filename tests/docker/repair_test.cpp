// SPDX-License-Identifier: GPL-2.0-only
// What a Docker host that died left behind, seen and removed by vtepd.
#include "docker/snapshot.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using testing::HasSubstr;

// What was there before its container, but for the empty "directories" that dockerd leaves.
StoredKeys without_directories(StoredKeys keys) {
  std::erase_if(keys, [](const auto& entry) { return entry.second.empty(); });
  return keys;
}

TEST(Repair, WhatADeadDockerHostLeftGoesByName) {
  MixedLab bed({.dockers = 1, .vtepds = 1});
  DockerHost& docker = bed.docker(1);
  Host& vtepd = bed.vtepd(1);
  bed.lab().start();
  vtepd.must({"network", "create", "blue", "--subnet", "192.168.7.0/24"});
  vtepd.attach("blue", "192.168.7.12", {"--name", "ours"});
  ASSERT_TRUE(wait_until([&] { return docker.has_network("blue"); }, Seconds(10)));
  auto before = without_directories(stored_keys(bed.consul()));
  std::erase_if(before, [](const auto& entry) { return entry.first.starts_with("docker/nodes/"); });
  docker.run("cc", "blue", "192.168.7.11");

  EXPECT_EQ(vtepd.ctl({"diff"}).out, "no difference\n") << "a dockerd's own doings are in order";
  const Outcome alive = vtepd.ctl({"repair", "--leaked", "--host", docker.address()});
  EXPECT_EQ(alive.code, 1) << alive.text();
  EXPECT_THAT(alive.err, HasSubstr("is alive (it is listed in docker/nodes)"));

  docker.kill9();
  bed.consul().kv({"delete", "-recurse", "docker/nodes/"});  // as its session's end will
  const Outcome stale = vtepd.ctl({"show", "endpoints", "--stale"});
  EXPECT_THAT(stale.out, HasSubstr("cc")) << stale.text();
  EXPECT_TRUE(wait_until(
      [&] {
        return vtepd.ctl({"repair", "--host", docker.address()}).ok();
      },
      Seconds(20), Seconds(1)));
  EXPECT_EQ(without_directories(stored_keys(bed.consul())), before);
  EXPECT_EQ(vtepd.ctl({"diff"}).out, "no difference\n");
}

// An address that dockerd has taken and an endpoint that it has not counted yet are no difference.
TEST(Repair, ADockerdAtWorkIsLeftAlone) {
  MixedLab bed({.dockers = 1, .vtepds = 1});
  DockerHost& docker = bed.docker(1);
  Host& vtepd = bed.vtepd(1);
  bed.lab().start();
  docker.network_create("blue", "192.168.7.0/24");
  docker.run("stays", "blue", "192.168.7.11");
  ASSERT_TRUE(wait_until(
      [&] {
        return vtepd.ctl({"network", "inspect", "blue"}).ok();
      },
      Seconds(10)));
  const auto before = without_directories(stored_keys(bed.consul()));
  std::atomic<bool> stop{false};
  int repairs = 0;
  std::thread repairing([&] {
    for (; !stop; ++repairs) {
      const Outcome repair = vtepd.ctl({"repair", "--leaked"});
      EXPECT_EQ(repair.out, "nothing to mend\n") << repair.text();
    }
  });
  for (int i = 0; i < 6; ++i) {
    docker.run("passes", "blue");
    docker.rm("passes");
  }
  stop = true;
  repairing.join();
  EXPECT_GT(repairs, 3);
  EXPECT_EQ(without_directories(stored_keys(bed.consul())), before);
}

// Its keys end first; until gossip says the same, it is alive.
TEST(Repair, ADockerHostLivesAsLongAsGossipSaysSo) {
  HostOptions host;
  host.gossip = "kind = \"serf\"\n";
  MixedLab bed({.dockers = 1, .vtepds = 1, .host = host});
  DockerHost& docker = bed.docker(1);
  Host& vtepd = bed.vtepd(1);
  bed.lab().start();
  docker.network_create("blue", "192.168.7.0/24");
  docker.run("cc", "blue", "192.168.7.11");
  EXPECT_TRUE(wait_until([&] { return vtepd.ctl({"diff"}).ok(); }, Seconds(15)))
      << vtepd.ctl({"diff"}).text();

  docker.kill9();
  bed.consul().kv({"delete", "docker/nodes/" + docker.address() + ":2376"});
  const Outcome alive = vtepd.ctl({"repair", "--host", docker.address()});
  EXPECT_EQ(alive.code, 1) << alive.text();
  EXPECT_THAT(alive.err, HasSubstr("a live member of gossip"));
  EXPECT_TRUE(wait_until(
      [&] {
        return vtepd.ctl({"repair", "--host", docker.address()}).out.find("done") !=
               std::string::npos;
      },
      Seconds(40)));
  EXPECT_THAT(vtepd.ctl({"show", "endpoints"}).out, testing::Not(HasSubstr("cc")));
}

}  // namespace

}  // namespace vtepd::test
