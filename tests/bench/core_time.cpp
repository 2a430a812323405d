// SPDX-License-Identifier: GPL-2.0-only
#include "bench/core_time.h"

#include "support/sockets.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include <sys/sysinfo.h>

#include <sched.h>
#include <unistd.h>

namespace vtepd::bench {

namespace {

// Run time and waiting time of a thread, in ns.
std::pair<std::int64_t, std::int64_t> schedule_of(const std::string& path) {
  std::ifstream file(path);
  std::int64_t ran = 0;
  std::int64_t waited = 0;
  if (!(file >> ran >> waited)) {
    throw std::runtime_error("cannot read " + path + ": the kernel needs CONFIG_SCHED_INFO");
  }
  return {ran, waited};
}

// Of the calling thread.
std::int64_t own_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() -
         schedule_of("/proc/thread-self/schedstat").second;
}

// The calling thread's time on a processor.
std::int64_t thread_ns() {
  timespec own{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
  return std::int64_t{own.tv_sec} * 1000000000 + own.tv_nsec;
}

// Datagrams to itself, which a softirq receives, in the time of the thread if it is accounted so.
bool spends_softirqs(const test::NetNamespace& netns) {
  const test::Socket own(netns, AF_INET, SOCK_DGRAM);
  const test::Target address = test::resolve("127.0.0.1", 9);
  own.bind_to(address);
  const std::array<char, 64> datagram{};
  const OwnTime time;
  const std::int64_t begin = thread_ns();
  for (int i = 0; i < 5000; ++i) {
    sendto(own.get(), datagram.data(), datagram.size(), MSG_DONTWAIT, address.get(), address.size);
  }
  return static_cast<double>(thread_ns() - begin) > 0.8 * time.elapsed_ns();
}

// Whether the kernel accounts softirqs to the thread that they interrupt.
bool threads_have_their_softirqs() {
  static const bool have = [] {
    const test::NetNamespace netns;
    return spends_softirqs(netns);
  }();
  return have;
}

std::string find_ksoftirqd(int core) {
  const std::string wanted = "ksoftirqd/" + std::to_string(core);
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "comm");
    std::string name;
    if (std::getline(file, name) && name == wanted) {
      return (entry.path() / "schedstat").string();
    }
  }
  return "";
}

cpu_set_t allowed_cores() {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(getpid(), sizeof set, &set) != 0) {
      throw std::runtime_error("sched_getaffinity");
    }
    return set;
  }();
  return allowed;
}

int last_core_but(int excluded) {
  const cpu_set_t allowed = allowed_cores();
  for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
    if (core != excluded && CPU_ISSET(static_cast<std::size_t>(core), &allowed)) {
      return core;
    }
  }
  return excluded;
}

}  // namespace

void pin_to(int core) {
  (void)allowed_cores();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::runtime_error("cannot bind a thread to core " + std::to_string(core));
  }
}

int measured_core() {
  return last_core_but(-1);
}

int other_core() {
  return last_core_but(measured_core());
}

OwnTime::OwnTime() : begin_(own_ns()) {}

double OwnTime::elapsed_ns() const {
  return static_cast<double>(own_ns() - begin_);
}

CoreTime::CoreTime(int core)
    : ksoftirqd_(find_ksoftirqd(core)), ran_(thread_ns()), softirqs_(softirqs_ns()) {}

std::int64_t CoreTime::softirqs_ns() const {
  return ksoftirqd_.empty() ? 0 : schedule_of(ksoftirqd_).first;
}

double CoreTime::elapsed_ns() const {
  const double own =
      threads_have_their_softirqs() ? static_cast<double>(thread_ns() - ran_) : own_.elapsed_ns();
  return own + static_cast<double>(softirqs_ns() - softirqs_);
}

double process_busy_seconds() {
  static const std::vector<std::string> softirqs = [] {
    std::vector<std::string> found;
    for (int core = 0; core < get_nprocs_conf(); ++core) {
      if (std::string path = find_ksoftirqd(core); !path.empty()) {
        found.push_back(std::move(path));
      }
    }
    return found;
  }();
  timespec own{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  double sum = static_cast<double>(own.tv_sec) + static_cast<double>(own.tv_nsec) / 1e9;
  for (const std::string& path : softirqs) {
    sum += static_cast<double>(schedule_of(path).first) / 1e9;
  }
  return sum;
}

}  // namespace vtepd::bench
