// SPDX-License-Identifier: GPL-2.0-only
// What a Docker host that died left behind, seen and removed by vtepd.
#include "docker/snapshot.h"

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
  const Outcome mended = vtepd.ctl({"repair", "--host", docker.address()});
  EXPECT_EQ(mended.code, 0) << mended.text();
  EXPECT_EQ(without_directories(stored_keys(bed.consul())), before) << mended.text();
  EXPECT_EQ(vtepd.ctl({"diff"}).out, "no difference\n");
}

}  // namespace

}  // namespace vtepd::test
