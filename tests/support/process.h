// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vtepd::test {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// What to start. `netns` is the path of a namespace file, empty for the caller's own; entering it
// changes nothing else, so that /sys/fs/bpf stays what it is.
struct Command {
  std::vector<std::string> argv;
  std::string netns{};
  std::string input{};
  Milliseconds deadline = Seconds(60);
  bool unprivileged = false;  // without any capability
  bool new_mounts = false;    // in a mount namespace of its own, without a bpffs
  bool own_root = false;      // in one whose root is the caller's, also in a chroot
};

// How a command ended. A deadline that passed or a failed start is a code below 0.
struct Outcome {
  int code = -1;
  std::string out;
  std::string err;

  [[nodiscard]] bool ok() const { return code == 0; }

  [[nodiscard]] std::string text() const;  // for a failure message
};

// Runs a command to its end and keeps what it says.
Outcome run(const Command& command);
Outcome run(std::vector<std::string> argv);

// A program that runs until it is told to end. Its output goes to a file. It is killed, by its
// pid, when this goes out of scope or the test program dies.
class Process {
 public:
  Process(const Command& command, std::string log_path);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  [[nodiscard]] bool running();
  void signal(int number) const;
  // Stops it, and returns once all its threads stand still: under load that is long after the
  // signal.
  void freeze() const;
  void thaw() const;
  std::optional<int> wait(Milliseconds deadline);  // exit code, or -signal
  // TERM, then KILL when it does not end in time.
  int stop(Milliseconds deadline = Seconds(10));
  [[nodiscard]] std::string output() const;

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
  std::string log_path_;
};

// How much longer than on ordinary hardware this machine takes: VTEPD_TEST_SLOWNESS, as measured
// by whoever sets it; 1 by default. Deadlines here are scaled by it; a test's own limits use this.
[[nodiscard]] double slowness();
[[nodiscard]] Milliseconds scaled(Milliseconds time);

// Polls until the predicate holds. False if it never did.
template <typename Predicate>
bool wait_until(Predicate predicate, Milliseconds deadline, Milliseconds pause = Milliseconds(10));

void sleep_for(Milliseconds time);
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& content);

template <typename Predicate>
bool wait_until(Predicate predicate, Milliseconds deadline, Milliseconds pause) {
  const auto end = Clock::now() + scaled(deadline);
  while (!predicate()) {
    if (Clock::now() >= end) {
      return false;
    }
    sleep_for(pause);
  }
  return true;
}

}  // namespace vtepd::test
