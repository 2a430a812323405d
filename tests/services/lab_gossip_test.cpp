// SPDX-License-Identifier: GPL-2.0-only
// A host with vtepd, and one with a plain kernel vxlan device and a `serf agent` of its own: what
// each hears of the other, and what a stranger can do.
#include "support/frames.h"
#include "support/lab.h"

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr const char* kRpc = "127.0.0.1:7373";

// Writes every user event down: its name, a blank, its payload.
constexpr const char* kHandler =
    "user=sh -c 'printf \"%s %s\\n\" \"$SERF_USER_EVENT\" \"$(cat)\" >> ";

class GossipLab : public testing::Test {
 protected:
  GossipLab() {
    lab_.host(1).start();
    lab_.host(1).must({"network", "create", "blue", "--subnet", "192.168.7.0/24"});
    ours_ = &lab_.host(1).attach("blue", "192.168.7.11", {"--name", "a"});
    theirs_.address = "192.168.7.20";
    theirs_.mac = "02:42:c0:a8:07:14";
    add_kernel_port({.host = lab_.host(2).netns(),
                     .vni = lab_.vni("blue"),
                     .local = "10.99.0.2",
                     .remote_mac = ours_->mac,
                     .remote = "10.99.0.1"},
                    theirs_);
    theirs_.netns.ip("neighbour add " + ours_->address + " lladdr " + ours_->mac + " dev eth0");
    start_serf();
  }

  ~GossipLab() override { std::filesystem::remove(heard_path_); }

  [[nodiscard]] static LabOptions options() {
    LabOptions options;
    options.host.gossip = "kind = \"serf\"\n";
    return options;
  }

  void start_serf() {
    const auto& netns = lab_.host(2).netns();
    serf_ = std::make_unique<Process>(
        netns.command({"serf", "agent", "-protocol=4", "-node=plain", "-bind=10.99.0.2:7946",
                       std::string("-rpc-addr=") + kRpc,
                       std::string("-event-handler=") + kHandler + heard_path_ + "'"}),
        heard_path_ + ".log");
    join();
  }

  // Once the agent of host 1 listens.
  void join() const {
    EXPECT_TRUE(wait_until(
        [&] {
          return serf({"join", "10.99.0.1:7946"}).ok();
        },
        Seconds(15)))
        << serf({"join", "10.99.0.1:7946"}).text();
  }

  [[nodiscard]] Outcome serf(std::vector<std::string> words) const {
    words.insert(words.begin() + 1, std::string("-rpc-addr=") + kRpc);
    words.insert(words.begin(), "serf");
    return lab_.host(2).netns().exec(words);
  }

  // The plain host's container, as Docker would announce it.
  void say(const std::string& what) {
    const std::string eid(64, 'e');
    const auto said =
        serf({"event", "-coalesce=false", "jl 10.99.0.2 " + lab_.network_id("blue") + " " + eid,
              what + " " + theirs_.address + " 255.255.255.0 " + theirs_.mac});
    ASSERT_TRUE(said.ok()) << said.text();
  }

  [[nodiscard]] bool heard(const std::string& words) const {
    return wait_until([&] { return read_file(heard_path_).find(words) != std::string::npos; },
                      Seconds(10));
  }

  [[nodiscard]] bool logged(const std::string& words) const {
    return wait_until(
        [&] { return read_file(lab_.host(1).log_path()).find(words) != std::string::npos; },
        Seconds(10));
  }

  // Makes the host known, as dockerd does.
  void list_plain_host() const {
    const std::string folder = lab_.store() + "/kv/docker/nodes/";
    std::filesystem::create_directories(folder);
    write_file(folder + "10.99.0.2:2376%", "10.99.0.2:2376");
  }

  Lab lab_{options()};
  std::string heard_path_ = lab_folder() + "/heard";
  Container* ours_ = nullptr;
  Container theirs_{};
  std::unique_ptr<Process> serf_;
};

TEST_F(GossipLab, TheClusterHearsOfEveryAddress) {
  Host& host = lab_.host(1);
  EXPECT_TRUE(heard("join 192.168.7.11 255.255.255.0 " + ours_->mac)) << "said again to new nodes";
  host.must({"address", "add", "a", "192.168.7.50"});
  EXPECT_TRUE(heard("join 192.168.7.50 255.255.255.0 " + ours_->mac));
  host.must({"address", "del", "a", "192.168.7.50"});
  EXPECT_TRUE(heard("leave 192.168.7.50 255.255.255.0 " + ours_->mac));
  host.must({"detach", "blue", "--netns", ours_->netns.path()});
  EXPECT_TRUE(heard("leave 192.168.7.11 255.255.255.0 " + ours_->mac));
  const auto asked =
      serf({"query", "-timeout=1s", "peerlookup", lab_.network_id("blue") + " 192.168.7.11"});
  EXPECT_EQ(asked.out.find("Response from"), std::string::npos) << asked.text();
}

TEST_F(GossipLab, WhoHasAnAddressIsAnswered) {
  const auto asked =
      serf({"query", "-timeout=2s", "peerlookup", lab_.network_id("blue") + " 192.168.7.11"});
  EXPECT_NE(asked.out.find(ours_->mac + " 255.255.255.0 10.99.0.1"), std::string::npos)
      << asked.text();
}

TEST_F(GossipLab, AStrangersJoinForwardsOnlyOnceTheStoreListsItsHost) {
  say("join");
  EXPECT_TRUE(logged("no host that the store knows"));
  EXPECT_FALSE(ours_->pings(theirs_.address, 1));
  EXPECT_FALSE(lab_.host(1).knows(theirs_.address));

  list_plain_host();
  ASSERT_TRUE(wait_until(
      [&] {
        say("join");
        return lab_.host(1).knows(theirs_.address);
      },
      Seconds(10)));
  // The failed try's ARP requests come once a second.
  EXPECT_TRUE(wait_until([&] { return ours_->pings(theirs_.address, 1); }, Seconds(5)));
  EXPECT_TRUE(ours_->pings(theirs_.address));
  EXPECT_TRUE(theirs_.pings(ours_->address));

  say("leave");
  EXPECT_TRUE(wait_until([&] { return !lab_.host(1).knows(theirs_.address); }, Seconds(5)));
  EXPECT_FALSE(ours_->pings(theirs_.address, 1));
}

TEST_F(GossipLab, ADeadAgentIsReplacedAndStatusSaysSo) {
  Host& host = lab_.host(1);
  const auto says = [&](const std::string& words) {
    return wait_until(
        [&] {
          return host.ctl({"show", "status"}).out.find(words) != std::string::npos;
        },
        Seconds(10));
  };
  EXPECT_TRUE(says("serf 10.99.0.1:7946, 2 nodes")) << host.ctl({"show", "status"}).text();
  const std::string log = read_file(host.log_path());
  const std::string words = "agent started, pid ";
  const auto at = log.rfind(words);
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(kill(std::stoi(log.substr(at + words.size())), SIGKILL), 0);

  EXPECT_TRUE(
      wait_until([&] { return read_file(host.log_path()).rfind(words) != at; }, Seconds(10)))
      << "another one is started";
  join();
  EXPECT_TRUE(says("serf 10.99.0.1:7946, 2 nodes")) << host.ctl({"show", "status"}).text();
}

}  // namespace
}  // namespace vtepd::test
