// SPDX-License-Identifier: GPL-2.0-only
// Gossip that is away for longer than it remembers, or hangs: what the hosts make of it.
#include "support/lab.h"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

constexpr const char* kRpc = "127.0.0.1:7373";

// Two hosts with agents that vtepd finds running, and that forget a lost node within seconds.
class Partition : public testing::Test {
 protected:
  Partition() {
    HostOptions options;
    options.gossip = std::string("kind = \"serf\"\nrpc = \"") + kRpc + "\"\n";
    for (int number = 1; number <= 2; ++number) {
      Host& host = lab_.add_host(options);
      start_agent(host, number);
      host.start();
    }
    lab_.create_network("blue", "192.168.7.0/24");
    a_ = &lab_.host(1).attach("blue", "192.168.7.11");
    b_ = &lab_.host(2).attach("blue", "192.168.7.12");
  }

  void start_agent(const Host& host, int number) {
    const std::string config = lab_folder() + "/serf" + std::to_string(number) + ".json";
    write_file(config, R"({"reconnect_timeout": "2s", "reconnect_interval": "1s",
                           "tombstone_timeout": "2s", "profile": "local"})");
    agents_.push_back(std::make_unique<Process>(
        host.netns().command({"serf", "agent", "-protocol=4", "-config-file=" + config,
                              "-node=agent" + std::to_string(number),
                              "-bind=" + host.address() + ":7946",
                              std::string("-rpc-addr=") + kRpc}),
        config + ".log"));
    ASSERT_TRUE(wait_until([&] { return serf(host, {"members"}).ok(); }, Seconds(15)))
        << agents_.back()->output();
  }

  [[nodiscard]] static Outcome serf(const Host& host, std::vector<std::string> words) {
    words.insert(words.begin() + 1, std::string("-rpc-addr=") + kRpc);
    words.insert(words.begin(), "serf");
    return host.netns().exec(words);
  }

  [[nodiscard]] std::size_t remembered(int number) {
    const auto members = serf(lab_.host(number), {"members"}).out;
    return static_cast<std::size_t>(std::count(members.begin(), members.end(), '\n'));
  }

  [[nodiscard]] bool says(int number, const std::string& words) {
    return lab_.host(number).ctl({"show", "status"}).out.find(words) != std::string::npos;
  }

  [[nodiscard]] bool both_say(const std::string& words) { return says(1, words) && says(2, words); }

  // The question that only the other host's vtepd answers.
  [[nodiscard]] bool asks_across() {
    const auto asked = serf(lab_.host(1), {"query", "-timeout=1s", "peerlookup",
                                           lab_.network_id("blue") + " 192.168.7.12"});
    return asked.out.find(b_->mac) != std::string::npos;
  }

  Lab lab_{{.hosts = 0}};
  std::vector<std::unique_ptr<Process>> agents_;
  Container* a_ = nullptr;
  Container* b_ = nullptr;
};

TEST_F(Partition, LongerThanSerfsMemoryHealsByItself) {
  ASSERT_TRUE(wait_until([&] { return both_say("2 nodes"); }, Seconds(45)))
      << lab_.host(1).ctl({"show", "status"}).text();
  EXPECT_TRUE(asks_across());

  // To a MAC that nobody has: Serf suspects nobody while the kernel refuses to send.
  for (const int number : {1, 2}) {
    lab_.host(number).netns().ip("neigh replace " + lab_.host(3 - number).address() +
                                 " lladdr 02:00:00:00:00:99 dev eth0 nud permanent");
  }
  ASSERT_TRUE(wait_until([&] { return remembered(1) == 1 && remembered(2) == 1; }, Seconds(60)))
      << serf(lab_.host(1), {"members"}).text();
  EXPECT_FALSE(asks_across());
  EXPECT_FALSE(a_->pings(b_->address, 1));

  for (const int number : {1, 2}) {
    lab_.host(number).netns().ip("neigh del " + lab_.host(3 - number).address() + " dev eth0");
  }
  EXPECT_TRUE(wait_until([&] { return a_->pings(b_->address, 1); }, Seconds(5)))
      << "the store alone is enough for that";
  const auto begin = Clock::now();
  EXPECT_TRUE(wait_until([&] { return both_say("2 nodes"); }, Seconds(45)))
      << lab_.host(1).ctl({"show", "status"}).text();
  std::cout << "together again after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  EXPECT_TRUE(asks_across());
}

TEST_F(Partition, AnAgentThatHangsIsShownAndChangesNothing) {
  ASSERT_TRUE(wait_until([&] { return both_say("2 nodes"); }, Seconds(45)));
  agents_.front()->freeze();
  EXPECT_TRUE(wait_until([&] { return says(1, "is away for"); }, Seconds(30)))
      << lab_.host(1).ctl({"show", "status"}).text();
  EXPECT_TRUE(a_->pings(b_->address));
  Container& c = lab_.host(2).attach("blue", "192.168.7.13");
  await_known(lab_.host(1), c.address);
  EXPECT_TRUE(a_->pings(c.address)) << "the store carries it";
  Container& d = lab_.host(1).attach("blue", "192.168.7.14");
  await_known(lab_.host(2), d.address);

  agents_.front()->thaw();
  const auto begin = Clock::now();
  EXPECT_TRUE(wait_until(
      [&] {
        return lab_.host(1).ctl({"show", "status"}).ok();
      },
      Seconds(5)))
      << lab_.host(1).ctl({"show", "status"}).text();
  std::cout << "well after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  EXPECT_TRUE(wait_until([&] { return asks_across(); }, Seconds(45)));
}

}  // namespace

}  // namespace vtepd::test
