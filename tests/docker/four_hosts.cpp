// SPDX-License-Identifier: GPL-2.0-only
#include "docker/four_hosts.h"

#include "support/traffic.h"

#include <algorithm>
#include <utility>

namespace vtepd::test {

namespace {

constexpr std::size_t kBytes = 1U << 20U;

MixedLabOptions with_gossip() {
  HostOptions host;
  host.gossip = "kind = \"serf\"\n";
  return {.dockers = 2, .vtepds = 2, .host = host};
}

}  // namespace

FourHosts::FourHosts() : lab_(with_gossip()) {
  lab_.lab().start();
}

void FourHosts::populate(const std::string& network, const std::string& net) {
  c1_ = &lab_.docker(1).run("con1", network);
  c2_ = &lab_.docker(2).run("con2", network);
  e1_ = &lab_.vtepd(1).attach(network, net + ".101", {"--name", "end1"});
  e2_ = &lab_.vtepd(2).attach(network, net + ".102", {"--name", "end2"});
}

void expect_mesh(const std::vector<const Container*>& all) {
  const auto begin = Clock::now();
  for (const Container* from : all) {
    for (const Container* to : all) {
      if (from == to) {
        continue;
      }
      const auto left =
          Seconds(10) - std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);
      EXPECT_TRUE(
          wait_until([&] { return from->pings(to->address, 1); }, std::max(left, Milliseconds(0))))
          << from->address << " to " << to->address;
      EXPECT_TRUE(from->pings(to->address)) << from->address << " to " << to->address;
    }
  }
}

void expect_data(const Container& from, const Container& to) {
  EXPECT_EQ(tcp_transfer(from.netns, to.netns, to.address, kBytes), kBytes)
      << from.address << " to " << to.address;
  EXPECT_TRUE(udp_echo(from.netns, to.netns, to.address, 1400))
      << from.address << " to " << to.address;
}

void FourHosts::expect_data_both_ways() const {
  for (const auto& [from, to] : {std::pair(c1_, e1_), std::pair(e2_, c2_), std::pair(e1_, e2_)}) {
    expect_data(*from, *to);
  }
}

bool FourHosts::docker_knows(int number, const std::string& network_id, const Container& endpoint) {
  const auto neighbours = lab_.docker(number).in_overlay(network_id, {"ip", "neigh"}).out;
  const auto fdb = lab_.docker(number).in_overlay(network_id, {"bridge", "fdb"}).out;
  return neighbours.find(endpoint.address + " ") != std::string::npos &&
         fdb.find(endpoint.mac) != std::string::npos;
}

}  // namespace vtepd::test
