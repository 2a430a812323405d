// SPDX-License-Identifier: GPL-2.0-only
// An endpoint goes on one host, and one on another host gets its address.
#include "docker/four_hosts.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

class MixedMove : public FourHosts {
 protected:
  static constexpr const char* kAddress = "192.168.7.77";

  MixedMove() {
    lab_.docker(1).network_create("blue", "192.168.7.0/24");
    populate("blue", "192.168.7");
    expect_full_mesh();
  }

  Container& on_vtepd(int number, const std::string& name) {
    return lab_.vtepd(number).attach("blue", kAddress, {"--name", name});
  }

  Container& on_docker(int number, const std::string& name) {
    return lab_.docker(number).run(name, "blue", kAddress);
  }

  void expect_everybody(const Container& moved) {
    auto everybody = all();
    everybody.push_back(&moved);
    expect_mesh(everybody);
  }
};

TEST_F(MixedMove, FromVtepdToVtepdAndBack) {
  expect_everybody(on_vtepd(1, "one"));
  lab_.vtepd(1).must({"detach", "one"});
  expect_everybody(on_vtepd(2, "two"));
  lab_.vtepd(2).must({"detach", "two"});
  expect_everybody(on_vtepd(1, "one"));
}

TEST_F(MixedMove, FromDockerToVtepd) {
  expect_everybody(on_docker(1, "one"));
  lab_.docker(1).rm("one");
  expect_everybody(on_vtepd(1, "two"));
}

TEST_F(MixedMove, FromVtepdToDocker) {
  expect_everybody(on_vtepd(1, "one"));
  lab_.vtepd(1).must({"detach", "one"});
  expect_everybody(on_docker(1, "two"));
}

// What dockerd looked up for its containers no leave takes away: vtepd sees to it.
TEST_F(MixedMove, AfterDockerLookedTheAddressUp) {
  const std::string id = lab_.docker(1).network_inspect("blue").at("Id");
  const auto look_up = [&] {
    ASSERT_TRUE(
        lab_.docker(1).in_overlay(id, {"ip", "neigh", "del", kAddress, "dev", "vxlan0"}).ok());
    c1_->netns.ip("neigh flush all");
    EXPECT_TRUE(wait_until([&] { return c1_->pings(kAddress, 1); }, Seconds(10)));
  };
  expect_everybody(on_vtepd(1, "one"));
  look_up();
  lab_.vtepd(1).must({"detach", "one"});
  expect_everybody(on_docker(2, "two"));
  look_up();
  lab_.docker(2).rm("two");
  expect_everybody(on_vtepd(2, "three"));
}

}  // namespace
}  // namespace vtepd::test
