// SPDX-License-Identifier: GPL-2.0-only
// The bed itself: what every other test here stands on.
#include "support/cgroup.h"
#include "support/mixed_lab.h"
#include "support/traffic.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kBytes = 1U << 20U;

TEST(Bed, TwoDockersShareANetwork) {
  MixedLab bed;
  const std::string id = bed.docker(1).network_create("blue", "192.168.7.0/24");
  ASSERT_TRUE(wait_until([&] { return bed.docker(2).has_network("blue"); }, Seconds(5)));
  const Container& a = bed.docker(1).run("aa", "blue", "192.168.7.11");
  const Container& b = bed.docker(2).run("bb", "blue");

  EXPECT_EQ(a.address, "192.168.7.11");
  EXPECT_EQ(a.mac, "02:42:c0:a8:07:0b");
  EXPECT_EQ(b.address, "192.168.7.2");
  EXPECT_TRUE(a.pings(b.address));
  EXPECT_TRUE(b.pings(a.address));
  EXPECT_EQ(tcp_transfer(a.netns, b.netns, b.address, kBytes), kBytes);
  EXPECT_TRUE(udp_echo(b.netns, a.netns, a.address, 1400));
  EXPECT_THAT(bed.docker(1).resolve("aa", "bb").text(), HasSubstr("Address: 192.168.7.2"));
  EXPECT_THAT(bed.docker(1).resolve("aa", "cc").text(), Not(HasSubstr("Address: 192.168")));
  EXPECT_TRUE(bed.docker(1).exec("aa", {"ls", "/bin/busybox"}).ok());
  EXPECT_FALSE(bed.docker(1).exec("aa", {"ls", "/proc/self/root/home"}).ok())
      << "the container sees the machine's files";
  const std::string neighbours = bed.docker(1).in_overlay(id, {"ip", "neigh"}).out;
  EXPECT_THAT(neighbours, HasSubstr(b.address + " dev vxlan0 lladdr " + b.mac));
  EXPECT_THAT(bed.docker(1).in_overlay(id, {"bridge", "fdb"}).out,
              HasSubstr(b.mac + " dev vxlan0 dst " + bed.docker(2).address()));

  bed.docker(2).rm("bb");
  EXPECT_TRUE(wait_until(
      [&] {
        return bed.docker(1).in_overlay(id, {"ip", "neigh"}).out.find(b.mac) == std::string::npos;
      },
      Seconds(5)));
  EXPECT_FALSE(bed.docker(1).docker({"network", "rm", "blue"}).ok()) << "aa is in it";
  bed.docker(1).rm("aa");
  bed.docker(1).network_rm("blue");
  EXPECT_TRUE(wait_until([&] { return !bed.docker(2).has_network("blue"); }, Seconds(5)));
}

std::vector<std::string> groups() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(cgroup_mount())) {
    if (entry.path().filename().string().starts_with(lab_prefix())) {
      found.push_back(entry.path());
    }
  }
  return found;
}

TEST(Bed, AMachineEndsWithAllThatIsInIt) {
  {
    MixedLab bed({.dockers = 1});
    DockerHost& docker = bed.docker(1);
    docker.network_create("blue", "192.168.7.0/24");
    docker.run("aa", "blue");
    EXPECT_THAT(groups(), testing::SizeIs(1));
  }
  EXPECT_THAT(groups(), testing::IsEmpty());
  EXPECT_THAT(read_file("/proc/self/mounts"), Not(HasSubstr("/run/docker")));
}

// What a daemon that starts again finds and leaves is its own affair; the bed must only survive it.
TEST(Bed, DockerdIsKilledAndRestarted) {
  MixedLab bed;
  DockerHost& docker = bed.docker(1);
  const std::string id = docker.network_create("blue", "192.168.7.0/24");
  const Container& far = bed.docker(2).run("far", "blue");
  docker.run("aa", "blue");

  docker.kill9();
  EXPECT_FALSE(docker.docker({"ps"}).ok());
  docker.start();
  docker.must({"start", "aa"});
  EXPECT_TRUE(docker.started("aa").pings(far.address)) << "after kill -9";

  docker.restart();
  docker.must({"start", "aa"});
  EXPECT_TRUE(docker.started("aa").pings(far.address)) << "after an orderly restart";
}

}  // namespace

}  // namespace vtepd::test
