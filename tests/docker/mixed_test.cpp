// SPDX-License-Identifier: GPL-2.0-only
// One network with endpoints of vtepd and containers of dockerd, as far as the store alone carries
// it: vtepd learns of containers from the store. dockerd learns of endpoints from Serf only.
#include "docker/snapshot.h"
#include "support/traffic.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

constexpr std::size_t kBytes = 1U << 20U;

// What a Docker host lists as attached to a network: names, or "ep-" and the id.
std::vector<std::string> attached(const DockerHost& docker, const std::string& network) {
  std::vector<std::string> names;
  const Json document = docker.network_inspect(network);
  for (const auto& [id, entry] : document.at("Containers").items()) {
    names.push_back(entry.at("Name").get<std::string>() + " " +
                    entry.at("IPv4Address").get<std::string>());
  }
  return names;
}

bool lists(const Host& host, const std::string& name, const std::string& address) {
  const std::vector<Json> rows = host.rows("endpoints");
  return std::any_of(rows.begin(), rows.end(), [&](const Json& row) {
    return row.dump().find("\"" + name + "\"") != std::string::npos &&
           row.dump().find(address) != std::string::npos;
  });
}

bool sees(const Host& host, const std::string& network) {
  return wait_until([&] { return host.ctl({"network", "inspect", network}).ok(); }, Seconds(10));
}

// Everything but the empty "directories" that dockerd leaves for ever.
StoredKeys values(const StoredKeys& keys) {
  StoredKeys found;
  for (const auto& [key, value] : keys) {
    if (!value.empty()) {
      found[key] = value;
    }
  }
  return found;
}

// By hand what dockerd does on a Serf event: the data path of both is tested without gossip.
void introduce(const DockerHost& docker, const std::string& network_id, const Container& endpoint,
               const Host& host) {
  const std::vector<std::vector<std::string>> commands{
      {"ip", "neigh", "replace", endpoint.address, "lladdr", endpoint.mac, "dev", "vxlan0", "nud",
       "permanent"},
      {"bridge", "fdb", "replace", endpoint.mac, "dev", "vxlan0", "dst", host.address(), "self",
       "permanent"}};
  for (const auto& command : commands) {
    const Outcome done = docker.in_overlay(network_id, command);
    ASSERT_TRUE(done.ok()) << done.text();
  }
}

void expect_traffic(const Container& a, const Container& b) {
  EXPECT_TRUE(a.pings(b.address));
  EXPECT_TRUE(b.pings(a.address));
  EXPECT_EQ(tcp_transfer(a.netns, b.netns, b.address, kBytes), kBytes);
  EXPECT_EQ(tcp_transfer(b.netns, a.netns, a.address, kBytes), kBytes);
  EXPECT_TRUE(udp_echo(a.netns, b.netns, b.address, 1400));
  EXPECT_TRUE(udp_echo(b.netns, a.netns, a.address, 1400));
}

TEST(Mixed, ANetworkThatDockerMade) {
  MixedLab bed({.dockers = 1, .vtepds = 1});
  DockerHost& docker = bed.docker(1);
  Host& vtepd = bed.vtepd(1);
  bed.lab().start();
  const std::string id = docker.network_create("blue", "192.168.7.0/24");
  ASSERT_TRUE(sees(vtepd, "blue"));
  const Container& container = docker.run("cc", "blue", "192.168.7.11");
  EXPECT_TRUE(wait_until([&] { return lists(vtepd, "cc", "192.168.7.11"); }, Seconds(10)))
      << vtepd.ctl({"show", "endpoints"}).text();

  const Container& endpoint = vtepd.attach("blue", "192.168.7.12", {"--name", "ours"});
  await_known(vtepd, container.address);
  EXPECT_THAT(attached(docker, "blue"), Contains(HasSubstr("ours 192.168.7.12/24")));
  EXPECT_THAT(attached(docker, "blue"), Contains(HasSubstr("cc 192.168.7.11/24")));
  EXPECT_THAT(objections(stored_keys(bed.consul())), IsEmpty());
  EXPECT_TRUE(wait_until(
      [&] { return docker.resolve("cc", "ours").out.find("192.168.7.12") != std::string::npos; },
      Seconds(10)))
      << docker.resolve("cc", "ours").text();
  introduce(docker, id, endpoint, vtepd);
  expect_traffic(container, endpoint);
  const Container& next = docker.run("dd", "blue");
  EXPECT_THAT(next.address, Not(testing::AnyOf("192.168.7.11", "192.168.7.12")));

  docker.rm("cc");
  docker.rm("dd");
  EXPECT_TRUE(wait_until([&] { return !vtepd.knows("192.168.7.11"); }, Seconds(10)));
  const Outcome refused = docker.docker({"network", "rm", "blue"});
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.err, HasSubstr("has active endpoints"));
  vtepd.must({"detach", "blue", "--netns", endpoint.netns.path()});
  docker.network_rm("blue");
  EXPECT_TRUE(wait_until(
      [&] {
        return !vtepd.ctl({"network", "inspect", "blue"}).ok();
      },
      Seconds(10)));
}

TEST(Mixed, ANetworkThatVtepdMade) {
  MixedLab bed({.dockers = 1, .vtepds = 1});
  DockerHost& docker = bed.docker(1);
  Host& vtepd = bed.vtepd(1);
  docker.network_create("first", "192.168.6.0/24");
  docker.run("cc", "first");
  docker.rm("cc");
  docker.network_rm("first");
  const StoredKeys before = values(stored_keys(bed.consul()));

  bed.lab().start();
  vtepd.must({"network", "create", "blue", "--subnet", "192.168.7.0/24"});
  ASSERT_TRUE(wait_until([&] { return docker.has_network("blue"); }, Seconds(10)));
  const Json seen = docker.network_inspect("blue");
  EXPECT_EQ(seen.at("Driver"), "overlay");
  EXPECT_EQ(seen.at("IPAM").at("Config").at(0).at("Subnet"), "192.168.7.0/24");
  const Container& container = docker.run("cc", "blue");
  EXPECT_EQ(container.address, "192.168.7.2");
  EXPECT_TRUE(wait_until([&] { return lists(vtepd, "cc", container.address); }, Seconds(10)));
  const Container& endpoint = vtepd.attach("blue", "192.168.7.12", {"--name", "ours"});
  EXPECT_THAT(attached(docker, "blue"), Contains(HasSubstr("ours 192.168.7.12/24")));
  await_known(vtepd, container.address);
  introduce(docker, seen.at("Id"), endpoint, vtepd);
  expect_traffic(container, endpoint);

  docker.rm("cc");
  EXPECT_FALSE(docker.docker({"network", "rm", "blue"}).ok());
  vtepd.must({"detach", "blue", "--netns", endpoint.netns.path()});
  docker.network_rm("blue");
  StoredKeys after = values(stored_keys(bed.consul()));
  std::erase_if(after, [](const auto& entry) { return entry.first.starts_with("vtepd/"); });
  EXPECT_EQ(after, before) << "what dockerd alone leaves";
}

}  // namespace

}  // namespace vtepd::test
