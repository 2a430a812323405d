// SPDX-License-Identifier: GPL-2.0-only
// A network of vtepd in another address space than Docker's, with the subnet of one of Docker's.
#include "docker/four_hosts.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

class MixedSpaces : public FourHosts {};

TEST_F(MixedSpaces, ANetworkOutsideDockersSpaceDisturbsNobody) {
  DockerHost& docker = lab_.docker(1);
  docker.network_create("blue", "192.168.7.0/24");
  const Outcome overlaps =
      lab_.vtepd(1).ctl({"network", "create", "lab", "--subnet", "192.168.7.0/24"});
  EXPECT_FALSE(overlaps.ok()) << "in Docker's own space";
  lab_.vtepd(1).must(
      {"network", "create", "lab", "--subnet", "192.168.7.0/24", "--address-space", "lab"});
  const Container& one = lab_.vtepd(1).attach("lab", "192.168.7.2");
  const Container& two = lab_.vtepd(2).attach("lab", "192.168.7.3");
  expect_mesh({&one, &two});

  // Addresses that the other network has as well.
  populate("blue", "192.168.7");
  EXPECT_EQ(c1_->address, "192.168.7.2");
  EXPECT_EQ(c2_->address, "192.168.7.3");
  expect_full_mesh();
  expect_mesh({&one, &two});
  EXPECT_TRUE(docker.has_network("lab"));
  EXPECT_EQ(docker.network_inspect("lab").at("IPAM").at("Config").at(0).at("Subnet"),
            "192.168.7.0/24");

  docker.restart();
  docker.must({"start", "con1"});
  c1_ = &docker.started("con1");
  expect_full_mesh();
  docker.network_create("red", "192.168.9.0/24");
  docker.run("more", "red");
  docker.rm("more");
  docker.network_rm("red");
  docker.rm("con1");
  lab_.docker(2).rm("con2");
  lab_.vtepd(1).must({"detach", "end1"});
  lab_.vtepd(2).must({"detach", "end2"});
  docker.network_rm("blue");
  EXPECT_FALSE(docker.has_network("blue"));
  expect_mesh({&one, &two});
}

}  // namespace
}  // namespace vtepd::test
