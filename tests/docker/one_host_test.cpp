// SPDX-License-Identifier: GPL-2.0-only
// dockerd and vtepd on one host: one VTEP address, one UDP port, different networks.
#include "docker/four_hosts.h"
#include "support/traffic.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t kBytes = 8U << 20U;

class MixedOneHost : public testing::Test {
 protected:
  MixedOneHost() {
    // The port that Docker's hosts gossip on is taken by dockerd.
    HostOptions both;
    both.gossip = "kind = \"serf\"\nport = 17946\n";
    lab_.add_vtepd(both);
    HostOptions other;
    other.gossip = "kind = \"serf\"\n";
    lab_.add_vtepd(other);
    beside_ = &lab_.add_docker_on(here());
    lab_.lab().start();
    lab_.docker(1).network_create("theirs", "192.168.7.0/24");
    c1_ = &beside_->run("con1", "theirs");
    c2_ = &lab_.docker(1).run("con2", "theirs");
    here().must({"network", "create", "ours", "--subnet", "192.168.8.0/24"});
    e1_ = &here().attach("ours", "192.168.8.11", {"--name", "end1"});
    e2_ = &far().attach("ours", "192.168.8.12", {"--name", "end2"});
  }

  [[nodiscard]] Host& here() { return lab_.vtepd(1); }

  [[nodiscard]] Host& far() { return lab_.vtepd(2); }

  void expect_both_work() {
    expect_mesh({c1_, c2_});
    expect_mesh({e1_, e2_});
    std::size_t theirs = 0;
    std::thread docker(
        [&] { theirs = tcp_transfer(c2_->netns, c1_->netns, c1_->address, kBytes); });
    EXPECT_EQ(tcp_transfer(e2_->netns, e1_->netns, e1_->address, kBytes), kBytes);
    docker.join();
    EXPECT_EQ(theirs, kBytes);
    EXPECT_EQ(tcp_transfer(c1_->netns, c2_->netns, c2_->address, kBytes), kBytes);
  }

  MixedLab lab_{{.dockers = 1}};
  DockerHost* beside_ = nullptr;
  const Container* c1_ = nullptr;
  const Container* c2_ = nullptr;
  const Container* e1_ = nullptr;
  const Container* e2_ = nullptr;
};

TEST_F(MixedOneHost, BothDaemonsHaveTheirNetworks) {
  expect_both_work();

  const NetNamespace container;
  const auto attach = [&](const Host& host) {
    return host.ctl({"attach", "theirs", "--netns", container.path()});
  };
  const Outcome refused = attach(here());
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.err, HasSubstr("con1"));
  EXPECT_THAT(refused.err, HasSubstr("theirs"));
  // Where dockerd is not, the network can be joined, and reaches the container beside vtepd.
  const Container& joined = far().attach("theirs", "192.168.7.50");
  expect_mesh({c1_, c2_, &joined});
  // When its last container has gone the network is free for vtepd.
  beside_->rm("con1");
  EXPECT_TRUE(wait_until([&] { return attach(here()).ok(); }, Seconds(10))) << attach(here()).err;
}

// vtepd cannot keep dockerd from it, but says so, and goes on.
TEST_F(MixedOneHost, AContainerInANetworkOfVtepdIsSeen) {
  EXPECT_TRUE(here().ctl({"show", "status"}).ok()) << here().ctl({"show", "status"}).text();
  beside_->run("intruder", "ours", "192.168.8.99");
  const auto says = [&](const std::string& what) {
    return here().ctl({"show", "status"}).out.find(what) != std::string::npos;
  };
  EXPECT_TRUE(wait_until([&] { return says("intruder"); }, Seconds(10)));
  EXPECT_EQ(here().ctl({"show", "status"}).code, 1);
  expect_both_work();
  const NetNamespace container;
  EXPECT_THAT(here().ctl({"attach", "ours", "--netns", container.path()}).err,
              HasSubstr("intruder"));
  beside_->rm("intruder");
  EXPECT_TRUE(wait_until([&] { return !says("intruder"); }, Seconds(10)));
  EXPECT_TRUE(here().ctl({"attach", "ours", "--netns", container.path()}).ok());
}

TEST_F(MixedOneHost, EitherDaemonComesBack) {
  expect_both_work();
  here().kill9();
  expect_both_work();
  here().start();
  expect_both_work();
  beside_->stop();
  expect_mesh({e1_, e2_});
  beside_->start();
  beside_->must({"start", "con1"});
  c1_ = &beside_->started("con1");
  expect_both_work();
  here().stop();
  beside_->kill9();
  expect_mesh({e1_, e2_});
  beside_->start();
  here().start();
  beside_->must({"start", "con1"});
  c1_ = &beside_->started("con1");
  expect_both_work();
}

}  // namespace
}  // namespace vtepd::test
