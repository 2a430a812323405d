// SPDX-License-Identifier: GPL-2.0-only
// What is in Consul when everything was detached and removed: key for key and byte for byte what
// dockerd alone leaves after the same steps, and of vtepd's own the marker and live nodes.
#include "docker/snapshot.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::ElementsAre;

constexpr const char* kSubnet = "192.168.7.0/24";
constexpr const char* kEndpoints = "docker/network/v1.0/endpoint/";

// Docker's keys with "NETWORK" for the network's id. The empty keys that a dockerd makes for its
// local networks, such as "host", are left out: their ids are random, and which of them it has
// looked at by then differs from run to run.
StoredKeys of_docker(const StoredKeys& keys, const std::string& network_id) {
  StoredKeys found;
  for (const auto& [key, value] : keys) {
    const auto at = key.find(network_id);
    const bool local = key.starts_with(kEndpoints) && value.empty() && at == std::string::npos;
    if (key.starts_with("vtepd/") || local) {
      continue;
    }
    found[at == std::string::npos ? key
                                  : std::string(key).replace(at, network_id.size(), "NETWORK")] =
        value;
  }
  return found;
}

std::vector<std::string> of_vtepd(const StoredKeys& keys) {
  std::vector<std::string> found;
  for (const auto& [key, value] : keys) {
    if (key.starts_with("vtepd/")) {
      found.push_back(key);
    }
  }
  return found;
}

// What dockerd leaves of a network with that many containers, one after the other.
StoredKeys docker_alone(int containers) {
  MixedLab bed({.dockers = 1});
  DockerHost& docker = bed.docker(1);
  const std::string id = docker.network_create("blue", kSubnet);
  for (int number = 0; number < containers; ++number) {
    docker.run("c" + std::to_string(number), "blue");
  }
  for (int number = 0; number < containers; ++number) {
    docker.rm("c" + std::to_string(number));
  }
  docker.network_rm("blue");
  return of_docker(stored_keys(bed.consul()), id);
}

class Leftovers : public testing::Test {
 protected:
  static MixedLabOptions options() {
    HostOptions host;
    host.gossip = "kind = \"serf\"\nport = 17946\n";  // else it is listed among Docker's hosts
    return {.dockers = 1, .vtepds = 1, .host = host};
  }

  Leftovers() { bed_.lab().start(); }

  void expect_left(const StoredKeys& alone, const std::string& id) {
    StoredKeys keys = stored_keys(bed_.consul());
    EXPECT_EQ(of_docker(keys, id), alone);
    EXPECT_THAT(of_vtepd(keys), ElementsAre("vtepd/v1/marker", "vtepd/v1/nodes/10.99.0.1"));
    vtepd_.stop();
    const auto only_marker = [&] {
      keys = stored_keys(bed_.consul());
      return of_vtepd(keys) == std::vector<std::string>{"vtepd/v1/marker"};
    };
    EXPECT_TRUE(wait_until(only_marker, Seconds(10), Milliseconds(100)))
        << testing::PrintToString(of_vtepd(keys));
    EXPECT_EQ(of_docker(keys, id), alone);
  }

  std::string network_of_vtepd() {
    vtepd_.must({"network", "create", "blue", "--subnet", kSubnet});
    return bed_.lab().network_id("blue");
  }

  MixedLab bed_{options()};
  DockerHost& docker_ = bed_.docker(1);
  Host& vtepd_ = bed_.vtepd(1);
};

TEST_F(Leftovers, OfANetworkThatDockerMade) {
  const std::string id = docker_.network_create("blue", kSubnet);
  docker_.run("cc", "blue");
  vtepd_.attach("blue", "192.168.7.9", {"--name", "ours"});
  EXPECT_NE(of_docker(stored_keys(bed_.consul()), id), docker_alone(2)) << "while it is in use";
  vtepd_.must({"detach", "ours"});
  docker_.rm("cc");
  docker_.network_rm("blue");
  expect_left(docker_alone(2), id);
}

TEST_F(Leftovers, OfANetworkThatVtepdMadeAndDockerRemoved) {
  const std::string id = network_of_vtepd();
  vtepd_.attach("blue", "192.168.7.9", {"--name", "ours"});
  docker_.run("cc", "blue");
  vtepd_.must({"detach", "ours"});
  docker_.rm("cc");
  docker_.network_rm("blue");
  expect_left(docker_alone(2), id);
}

TEST_F(Leftovers, OfANetworkThatVtepdRemoved) {
  const std::string id = docker_.network_create("blue", kSubnet);
  docker_.run("cc", "blue");
  vtepd_.attach("blue", "192.168.7.9", {"--name", "ours"});
  docker_.rm("cc");
  vtepd_.must({"detach", "ours"});
  vtepd_.must({"network", "rm", "blue"});
  expect_left(docker_alone(2), id);
}

TEST_F(Leftovers, OfANetworkThatDockerOnlySaw) {
  const std::string id = network_of_vtepd();
  vtepd_.attach("blue", "192.168.7.9", {"--name", "ours"});
  EXPECT_TRUE(docker_.has_network("blue"));
  vtepd_.must({"detach", "ours"});
  vtepd_.must({"network", "rm", "blue"});
  expect_left(docker_alone(1), id);
}

}  // namespace
}  // namespace vtepd::test
