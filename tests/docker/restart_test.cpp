// SPDX-License-Identifier: GPL-2.0-only
// Daemons that end and come back while a network is in use on Docker hosts and vtepd hosts.
#include "docker/four_hosts.h"

#include <functional>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

class MixedRestart : public FourHosts {
 protected:
  MixedRestart() {
    lab_.docker(1).network_create("blue", "192.168.7.0/24");
    populate("blue", "192.168.7");
    expect_full_mesh();
  }

  // dockerd ends its containers, or finds them dead: who has them starts them again.
  void docker_comes_back(const std::function<void(DockerHost&)>& end) {
    DockerHost& docker = lab_.docker(1);
    end(docker);
    expect_mesh({c2_, e1_, e2_});
    docker.start();
    docker.must({"start", "con1"});
    c1_ = &docker.started("con1");
    expect_full_mesh();
    expect_data_both_ways();
  }

  void vtepd_comes_back(const std::function<void(Host&)>& end) {
    Host& vtepd = lab_.vtepd(1);
    end(vtepd);
    // What forwards is in the kernel.
    expect_full_mesh();
    const Container& meanwhile = lab_.docker(2).run("late", "blue", "192.168.7.50");
    vtepd.start();
    auto everybody = all();
    everybody.push_back(&meanwhile);
    expect_mesh(everybody);
    expect_data_both_ways();
  }
};

TEST_F(MixedRestart, OfDockerd) {
  docker_comes_back([](DockerHost& docker) { docker.stop(); });
}

TEST_F(MixedRestart, OfADockerdThatWasKilled) {
  docker_comes_back([](DockerHost& docker) { docker.kill9(); });
}

TEST_F(MixedRestart, OfVtepd) {
  vtepd_comes_back([](Host& vtepd) { vtepd.stop(); });
}

TEST_F(MixedRestart, OfAVtepdThatWasKilled) {
  vtepd_comes_back([](Host& vtepd) { vtepd.kill9(); });
}

}  // namespace
}  // namespace vtepd::test
