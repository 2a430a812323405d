// SPDX-License-Identifier: GPL-2.0-only
// Daemons end, start and are replaced under traffic: not one packet is lost.
#include "support/lab.h"
#include "support/loss_meter.h"

#include <array>
#include <functional>
#include <iostream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr unsigned kPace = 10000;
constexpr unsigned kSome = 1000;
// A lost TCP segment costs 200 ms at least. Scaled on a slow machine it tells nothing any more; the
// numbered datagrams do.
constexpr Milliseconds kTcpPause(150);
const std::string kLarger = "fdb = 524288\nneigh = 524288\npeers = 8192\nvnis = 2048\nports = 8192";
const std::string kSmaller = "fdb = 64\nneigh = 64\npeers = 8\nvnis = 4\nports = 8";

unsigned paced(unsigned per_second) {
  return static_cast<unsigned>(per_second / slowness());
}

int rand_upto(int most) {
  static std::mt19937 numbers(std::random_device{}());
  return std::uniform_int_distribution<int>(0, most)(numbers);
}

// What the kernel's queues between the namespaces dropped: columns of every CPU.
std::uint64_t backlog_drops() {
  std::istringstream text(read_file("/proc/net/softnet_stat"));
  std::uint64_t sum = 0;
  for (std::string processed, dropped, rest; text >> processed >> dropped;) {
    sum += std::stoull(dropped, nullptr, 16);
    std::getline(text, rest);
  }
  return sum;
}

// Traffic between all there is: both directions between the hosts, in both address families, within
// a host, and TCP. Fails its test for anything lost.
class Meter {
 public:
  struct Flow {
    const char* name;
    unsigned pace;
    NumberedStream stream;
  };

  Meter(const Container& a, const Container& b, const Container& c)
      : flows_{{{"a to b", kPace, {a.netns, b.netns, b.address, 7001, paced(kPace)}},
                {"b to a", kPace, {b.netns, a.netns, a.address, 7002, paced(kPace)}},
                {"a to b, IPv6",
                 kPace / 10,
                 {a.netns, b.netns, "fd00:7::12", 7003, paced(kPace / 10)}},
                {"a to c, one host",
                 kPace / 10,
                 {a.netns, c.netns, c.address, 7004, paced(kPace / 10)}}}},
        pulse_(b.netns, a.netns, a.address, 7005),
        drops_before_(backlog_drops()) {
    flow();
  }

  ~Meter() {
    pulse_.finish();
    for (Flow& each : flows_) {
      const Loss loss = each.stream.finish();
      std::cout << each.name << ": " << loss.text() << "\n";
      EXPECT_GT(loss.per_second, 0.95 * paced(each.pace)) << each.name;
      EXPECT_EQ(loss.lost, 0U) << each.name;
      EXPECT_EQ(loss.twice, 0U) << each.name;
      EXPECT_EQ(loss.send_errors, 0U) << each.name;
    }
    std::cout << "TCP: " << pulse_.replies() << " replies, the slowest after "
              << pulse_.longest().count() << " ms; CPU stalled for " << stall_.worst().count()
              << " ms, backlog drops " << backlog_drops() - drops_before_ << "\n";
    EXPECT_EQ(pulse_.error(), "");
    EXPECT_LT(pulse_.longest(), scaled(kTcpPause) + stall_.worst());
  }

  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  // Returns when each flow got further; that it does now, whatever runs and does not.
  void flow() {
    std::array<std::uint64_t, 4> before{};
    const std::uint64_t replies = pulse_.replies();
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      before.at(i) = flows_.at(i).stream.received();
    }
    const auto moved = [&] {
      for (std::size_t i = 0; i < flows_.size(); ++i) {
        if (flows_.at(i).stream.received() < before.at(i) + paced(kSome)) {
          return false;
        }
      }
      return pulse_.replies() > replies + 10;
    };
    EXPECT_TRUE(wait_until(moved, Seconds(10))) << "traffic does not flow";
  }

 private:
  std::array<Flow, 4> flows_;
  TcpPulse pulse_;
  StallMeter stall_;
  std::uint64_t drops_before_;
};

class LongRestart : public testing::Test {
 protected:
  explicit LongRestart(const HostOptions& options = {}) : lab_({.hosts = 2, .host = options}) {
    lab_.start();
    lab_.create_network("blue", "192.168.7.0/24", {"--subnet", "fd00:7::/64"});
    a_ = &attach(1, "11");
    b_ = &attach(2, "12");
    c_ = &attach(1, "13");
    await_known(lab_.host(1), b_->address);
    await_known(lab_.host(2), a_->address);
  }

  Container& attach(int host, const std::string& last) {
    return lab_.host(host).attach("blue", "192.168.7." + last, {"--ip", "fd00:7::" + last});
  }

  // `end` for each host's daemon, alone and together, and a new one after it.
  void restart(const std::function<void(Host&)>& end) const {
    Meter meter(*a_, *b_, *c_);
    for (const auto& numbers : {std::vector<int>{1}, {2}, {1, 2}}) {
      for (const int number : numbers) {
        end(lab_.host(number));
      }
      meter.flow();
      for (const int number : numbers) {
        lab_.host(number).start();
      }
      meter.flow();
    }
  }

  static void stop(Host& host) { host.stop(); }

  static void kill(Host& host) { host.kill9(); }

  void expect_set(int host, int abi) const {
    const Outcome sets = run({"ls", lab_.host(host).pin_dir()});
    EXPECT_EQ(sets.out, "links\nv" + std::to_string(abi) + "\n");
  }

  mutable Lab lab_;
  Container* a_ = nullptr;
  Container* b_ = nullptr;
  Container* c_ = nullptr;
};

TEST_F(LongRestart, BySigtermLosesNothing) {
  restart(stop);
}

TEST_F(LongRestart, ByKillLosesNothing) {
  restart(kill);
}

TEST_F(LongRestart, NextAbiAndBackLosesNothing) {
  Meter meter(*a_, *b_, *c_);
  for (const auto& program : {next_abi_program(), vtepd_program()}) {
    for (const int number : {1, 2}) {
      Host& host = lab_.host(number);
      host.stop();
      meter.flow();
      host.use_program(program);
      host.start();
      meter.flow();
      expect_set(number, program == next_abi_program() ? next_abi() : next_abi() - 1);
    }
  }
}

TEST_F(LongRestart, LargerAndSmallerMapsAndBackLosesNothing) {
  Meter meter(*a_, *b_, *c_);
  for (const std::string& limits : {kLarger, kSmaller, std::string()}) {
    for (const int number : {1, 2}) {
      Host& host = lab_.host(number);
      host.kill9();
      host.set_limits(limits);
      host.start();
      meter.flow();
    }
  }
}

// As on kernels before 6.6.
class RestartWithFilters : public LongRestart {
 protected:
  RestartWithFilters() : LongRestart({.datapath = "attach = \"clsact\""}) {}
};

TEST_F(RestartWithFilters, ByKillWithOtherSizesAndTheNextAbiLosesNothing) {
  Meter meter(*a_, *b_, *c_);
  for (const auto& program : {next_abi_program(), vtepd_program()}) {
    for (const std::string& limits : {kLarger, std::string()}) {
      Host& host = lab_.host(1);
      host.kill9();
      meter.flow();
      host.use_program(program);
      host.set_limits(limits);
      host.start();
      meter.flow();
    }
  }
}

// A start takes some 100 ms; whenever it is cut short, the next one comes out right.
TEST_F(LongRestart, KilledInTheMiddleOfStartsLosesNothing) {
  constexpr int kRounds = 24;
  Meter meter(*a_, *b_, *c_);
  Host& host = lab_.host(1);
  const auto begin = Clock::now();
  host.stop();
  host.start();
  const auto whole = std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count();
  host.stop();
  for (int round = 0; round < kRounds; ++round) {
    host.use_program(rand_upto(1) == 0 ? next_abi_program() : vtepd_program());
    host.set_limits(
        std::array{kLarger, kSmaller, std::string()}.at(static_cast<std::size_t>(rand_upto(2))));
    host.launch();
    sleep_for(Milliseconds(rand_upto(static_cast<int>(whole))));
    host.kill9();
  }
  meter.flow();
  host.use_program(vtepd_program());
  host.set_limits("");
  host.start();
  meter.flow();
  expect_set(1, next_abi() - 1);
  std::cout << "a whole restart took " << whole << " ms\n";
}

// The store's folder put aside: what a daemon of other sizes or ABI has to go on by is what the
// earlier one left.
class RestartWithoutStore : public LongRestart {
 protected:
  void take_store_away() {
    ASSERT_TRUE(run({"mv", lab_.store() + "/kv", lab_.store() + "/kv.away"}).ok());
  }

  void bring_store_back() {
    ASSERT_TRUE(run({"mv", lab_.store() + "/kv.away", lab_.store() + "/kv"}).ok());
  }

  static bool says(const Host& host, const std::string& words) {
    const Outcome status = host.ctl({"show", "status"});
    return status.code == 1 && status.text().find(words) != std::string::npos;
  }
};

TEST_F(RestartWithoutStore, OtherSizesForwardByTheEarlierTables) {
  Meter meter(*a_, *b_, *c_);
  Host& host = lab_.host(1);
  const auto fdb = host.rows("fdb");
  host.stop();
  take_store_away();
  for (const std::string& limits : {kLarger, kSmaller}) {
    host.set_limits(limits);
    host.launch();
    ASSERT_TRUE(wait_until([&] { return says(host, lab_.store()); }, Seconds(20)));
    meter.flow();
    expect_set(1, next_abi() - 1);
    EXPECT_EQ(host.rows("fdb").size(), fdb.size());
    host.kill9();
  }
  bring_store_back();
  host.start();
  meter.flow();
}

TEST_F(RestartWithoutStore, NextAbiWaitsAndTheEarlierProgramsForward) {
  Meter meter(*a_, *b_, *c_);
  Host& host = lab_.host(1);
  host.stop();
  take_store_away();
  host.use_program(next_abi_program());
  host.launch();
  ASSERT_TRUE(wait_until([&] { return says(host, "an earlier build forward"); }, Seconds(20)))
      << host.ctl({"show", "status"}).text();
  meter.flow();
  EXPECT_TRUE(run({"ls", host.pin_dir() + "/v" + std::to_string(next_abi() - 1)}).ok());

  bring_store_back();
  EXPECT_TRUE(wait_until(
      [&] {
        return host.ctl({"show", "status"}).ok();
      },
      Seconds(20)))
      << host.ctl({"show", "status"}).text();
  meter.flow();
  expect_set(1, next_abi());
}

}  // namespace
}  // namespace vtepd::test
