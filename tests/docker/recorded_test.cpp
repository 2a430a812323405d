// SPDX-License-Identifier: GPL-2.0-only
// What dockerd alone writes, step by step: agent/registry must read all of it.
#include "docker/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Pair;

using Words = std::vector<std::string>;

std::string key(const std::string& rest) {
  return "docker/network/v1.0/" + rest + "/";
}

std::string line_of(std::string text, const Words& options) {
  for (const std::string& option : options) {
    text += " " + option;
  }
  return text;
}

struct Recorded : testing::Test {
  MixedLab bed{{.dockers = 1}};
  DockerHost& docker = bed.docker(1);
};

// The steps one by one, a stopped container that is started again, and two containers.
TEST_F(Recorded, OneNetwork) {
  Recorder recorder(bed, "one-network");
  recorder.step("dockerd has started");
  const std::string id = docker.network_create("blue", "192.168.0.0/24");
  const StoredKeys created =
      recorder.step("docker network create -d overlay --subnet 192.168.0.0/24 blue");
  EXPECT_THAT(created, Contains(Pair(key("endpoint_count/" + id), R"({"Count":0})")));
  EXPECT_THAT(created.at(key("overlay/network/" + id)), HasSubstr(R"("Vni":0)"));
  docker.must({"create", "--name", "aa", "--net", "blue", "--ip", "192.168.0.100", "--stop-signal",
               "KILL", "bb", "sleep", "3600"});
  EXPECT_EQ(recorder.step("docker create --name aa --net blue --ip 192.168.0.100"), created);
  docker.must({"start", "aa"});
  const StoredKeys started = recorder.step("docker start aa");
  EXPECT_THAT(started, Contains(Pair(key("endpoint_count/" + id), R"({"Count":1})")));
  EXPECT_THAT(started.at(key("overlay/network/" + id)), HasSubstr(R"("Vni":256)"));
  docker.run("bb", "blue");
  recorder.step("docker run --name bb --net blue");
  docker.must({"stop", "aa"});
  EXPECT_THAT(recorder.step("docker stop aa"),
              Contains(Pair(key("endpoint_count/" + id), R"({"Count":1})")));
  docker.must({"start", "aa"});
  recorder.step("docker start aa");
  docker.rm("aa");
  recorder.step("docker rm -f aa");
  docker.rm("bb");
  recorder.step("docker rm -f bb");
  docker.network_rm("blue");
  EXPECT_THAT(recorder.step("docker network rm blue"),
              testing::Not(Contains(Key(key("network/" + id)))));
}

// A container that is connected and disconnected while it runs.
TEST_F(Recorded, Connect) {
  Recorder recorder(bed, "connect");
  docker.network_create("one", "192.168.0.0/24");
  docker.network_create("two", "192.168.1.0/24");
  docker.run("aa", "one");
  recorder.step("docker network create one; docker network create two; docker run --net one");
  docker.must({"network", "connect", "--ip", "192.168.1.50", "--alias", "nick", "two", "aa"});
  recorder.step("docker network connect --ip 192.168.1.50 --alias nick two aa");
  docker.must({"rename", "aa", "zz"});
  recorder.step("docker rename aa zz");
  docker.must({"network", "disconnect", "two", "zz"});
  recorder.step("docker network disconnect two zz");
  docker.rm("zz");
  docker.network_rm("one");
  docker.network_rm("two");
  recorder.step("docker rm -f zz; docker network rm one; docker network rm two");
}

struct Walk {
  std::string name;
  std::string subnet;
  Words options;
  Words run_options{};
};

// A network of those options, a container in it, and both gone again.
void walk(MixedLab& bed, const Walk& with) {
  SCOPED_TRACE(with.name);
  DockerHost& docker = bed.docker(1);
  Recorder recorder(bed, with.name);
  const std::string id = docker.network_create(with.name, with.subnet, with.options);
  recorder.step(line_of("docker network create -d overlay --subnet " + with.subnet, with.options) +
                " " + with.name);
  docker.run("cc", with.name, "", with.run_options);
  recorder.step(line_of("docker run --net " + with.name, with.run_options));
  docker.rm("cc");
  recorder.step("docker rm -f");
  docker.network_rm(with.name);
  for (const auto& [left, value] : recorder.step("docker network rm")) {
    EXPECT_TRUE(value.empty() || left.find(id) == std::string::npos) << left << " " << value;
  }
}

TEST_F(Recorded, EveryOption) {
  const std::string subnet = "192.168.0.0/24";
  const std::vector<Walk> walks{
      {"two-subnets", subnet, {"--subnet", "192.168.1.0/24"}, {"--ip", "192.168.1.9"}},
      {"ip-range", subnet, {"--ip-range", "192.168.0.128/25"}},
      {"gateway", subnet, {"--gateway", "192.168.0.254"}},
      {"aux-address",
       subnet,
       {"--aux-address", "router=192.168.0.5", "--aux-address", "printer=192.168.0.6"}},
      {"internal", subnet, {"--internal"}},
      {"mtu", subnet, {"--opt", "com.docker.network.driver.mtu=9000"}},
      {"ipv6", subnet, {"--ipv6", "--subnet", "fd00:7::/64"}},
      {"attachable", "10.0.0.0/8", {"--attachable"}},
      {"container-options",
       subnet,
       {},
       {"--mac-address", "02:00:5e:10:00:01", "--net-alias", "web", "--net-alias", "www", "-p",
        "8080:80", "--expose", "53/udp", "--hostname", "some-host"}},
      // Last, because dockerd's count of free VNIs is off by one from here on.
      {"vxlan-id",
       subnet,
       {"--opt", "com.docker.network.driver.overlay.vxlanid_list=4711", "--label", "a=b<c>"}},
      {"after-vxlan-id", subnet, {}}};
  for (const Walk& one : walks) {
    walk(bed, one);
  }
}

// Only made: a container in it would need IPsec in the kernel.
TEST_F(Recorded, Encrypted) {
  Recorder recorder(bed, "encrypted");
  const std::string id = docker.network_create("secret", "192.168.0.0/24", {"--opt", "encrypted"});
  const StoredKeys keys = recorder.step(
      "docker network create -d overlay --subnet 192.168.0.0/24 --opt encrypted secret");
  EXPECT_THAT(keys.at(key("overlay/network/" + id)), HasSubstr(R"("secure":true)"));
  docker.network_rm("secret");
  recorder.step("docker network rm secret");
}

}  // namespace

}  // namespace vtepd::test
