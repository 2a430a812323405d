// SPDX-License-Identifier: GPL-2.0-only
// What many ports and members cost. Times are printed, and limited only to what is absurd.
#include "nft/bench.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <unistd.h>

namespace vtepd::nft::test {
namespace {

using vtepd::test::Clock;
using vtepd::test::scaled;
using vtepd::test::Seconds;

// Ahead of the kernel's threads, by nice(2) or, where sessions are scheduled as groups, by their
// group's (sched(7), autogroup).
void go_ahead() {
  constexpr int kMost = -20;
  std::ofstream("/proc/self/autogroup") << kMost;
  ASSERT_EQ(setpriority(PRIO_PROCESS, 0, kMost), 0);
}

// The kernel lays a set out anew in a thread of its own, some moments after the set grew or shrank;
// who reads meanwhile misses some. While this lives those moments are long: busy processes, and
// this one with them, leave the kernel's threads little time.
class SlowKernelThreads {
 public:
  SlowKernelThreads() {
    std::ifstream group("/proc/self/autogroup");
    group.ignore(kGroupText, ' ') >> word_ >> before_;
    for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1U); ++i) {
      busy_.push_back(start_busy());
    }
    go_ahead();
  }

  ~SlowKernelThreads() {
    for (const pid_t process : busy_) {
      kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
    }
    setpriority(PRIO_PROCESS, 0, 0);
    std::ofstream("/proc/self/autogroup") << before_;
  }

  SlowKernelThreads(const SlowKernelThreads&) = delete;
  SlowKernelThreads& operator=(const SlowKernelThreads&) = delete;

 private:
  static constexpr std::streamsize kGroupText = 64;

  static pid_t start_busy() {
    const pid_t process = fork();
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setsid();
      go_ahead();
      while (true) {
        __asm__ volatile("");
      }
    }
    return process;
  }

  std::string word_;  // "nice", as in "/autogroup-7 nice 0"
  int before_ = 0;
  std::vector<pid_t> busy_;
};

class NftScale : public NftTest {
 protected:
  template <typename Work>
  static void timed(const std::string& what, Work work) {
    const auto begin = Clock::now();
    work();
    const auto took = Clock::now() - begin;
    std::cout << what << ": " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
              << " ms\n";
    EXPECT_LT(took, scaled(Seconds(30))) << what;
  }

  static std::string port_name(int number) {
    std::string digits = std::to_string(10000000 + number);
    return "vtep" + digits;
  }

  static FilterPort port(int number) {
    auto port = filter_port(number % 200 + 1, true);
    port.vni = Vni{static_cast<std::uint32_t>(256 + number % 100)};
    port.addresses.insert(
        {IpAddress::v4(0x0a000000U + static_cast<std::uint32_t>(number) * 256U), 24});
    return port;
  }
};

TEST_F(NftScale, FiftyThousandMembers) {
  auto filter = open();
  FilterState state = usual();
  for (std::uint32_t i = 0; i < 10000; ++i) {
    state.members.insert({Vni{256 + i % 1000}, IpAddress::v4(0x0a000000U + i)});
  }
  timed("apply 10,000 members", [&] { must(filter->apply(putting(state))); });
  timed("apply them again", [&] { must(filter->apply(putting(state))); });
  FilterState more = state;
  for (std::uint32_t i = 0; i < 40000; ++i) {
    more.members.insert({Vni{256 + i % 1000}, IpAddress::v4(0x0b000000U + i)});
  }
  timed("apply 40,000 more", [&] { must(filter->apply(putting(more))); });
  timed("apply one more", [&] {
    more.members.insert({kVni, address("198.51.100.9")});
    must(filter->apply({.members_put = {{kVni, address("198.51.100.9")}}}));
  });
  timed("read back", [&] { EXPECT_TRUE(must(filter->read_back()) == more); });
  timed("counters", [&] { static_cast<void>(must(filter->counters())); });
  timed("remove 40,000", [&] {
    FilterDelta delta;
    for (const auto& member : more.members) {
      if (!state.members.contains(member)) {
        delta.members_remove.push_back(member);
      }
    }
    must(filter->apply(delta));
  });
  EXPECT_TRUE(must(filter->read_back()) == state);
}

TEST_F(NftScale, WhatHasJustGrownOrShrunkIsReadWhole) {
  constexpr int kRounds = 12;
  auto filter = open();
  const FilterState small = usual();
  FilterState large = small;
  FilterDelta shrink;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const MemberKey member{Vni{256 + i % 1000}, IpAddress::v4(0x0b000000U + i)};
    large.members.insert(member);
    shrink.members_remove.push_back(member);
  }
  const SlowKernelThreads slow;
  for (int i = 0; i < kRounds; ++i) {
    must(filter->apply(putting(large)));
    EXPECT_EQ(must(filter->read_back()).members.size(), large.members.size()) << i;
    must(filter->apply(shrink));
    EXPECT_EQ(must(filter->read_back()).members.size(), small.members.size()) << i;
  }
}

TEST_F(NftScale, TenThousandPorts) {
  constexpr int kPorts = 10000;
  auto filter = open();
  FilterState state = usual();
  for (int i = 0; i < kPorts; ++i) {
    state.ports[port_name(i)] = port(i);
  }
  timed("apply 10,000 ports with a network each", [&] { must(filter->apply(putting(state))); });
  timed("apply one more", [&] {
    state.ports[port_name(kPorts)] = port(kPorts);
    must(filter->apply({.ports_put = {{port_name(kPorts), port(kPorts)}}}));
  });
  timed("read back", [&] { EXPECT_TRUE(must(filter->read_back()) == state); });
  timed("counters", [&] { static_cast<void>(must(filter->counters())); });
  timed("the next daemon", [&] {
    filter.reset();
    filter = open();
  });
  EXPECT_TRUE(must(filter->read_back()) == state);
}

}  // namespace
}  // namespace vtepd::nft::test
