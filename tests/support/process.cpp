// SPDX-License-Identifier: GPL-2.0-only
#include "support/process.h"

#include "support/mounts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr int kCannotStart = 127;

struct Streams {
  int in = -1;
  int out = -1;
  int err = -1;
};

// Only calls that are safe between fork and exec of a threaded program.
[[noreturn]] void refuse(const char* what) {
  const char* reason = strerrordesc_np(errno);
  (void)!write(STDERR_FILENO, what, std::strlen(what));
  (void)!write(STDERR_FILENO, ": ", 2);
  (void)!write(STDERR_FILENO, reason, std::strlen(reason));
  (void)!write(STDERR_FILENO, "\n", 1);
  _exit(kCannotStart);
}

void enter_namespace(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
    refuse(path);
  }
}

void drop_all_capabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) {
    refuse("capset");
  }
}

void leave_bpffs() {
  if (!private_mounts()) {
    refuse("private mounts");
  }
  while (umount2("/sys/fs/bpf", MNT_DETACH) == 0) {
  }
}

pid_t start(const Command& command, const Streams& streams) {
  std::vector<char*> argv;
  argv.reserve(command.argv.size() + 1);
  for (const std::string& word : command.argv) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(kCannotStart);
  }
  dup2(streams.in, STDIN_FILENO);
  dup2(streams.out, STDOUT_FILENO);
  dup2(streams.err, STDERR_FILENO);
  if (!command.netns.empty()) {
    enter_namespace(command.netns.c_str());
  }
  if (command.new_mounts) {
    leave_bpffs();
  }
  if (command.own_root && !own_root()) {
    refuse("a root of its own");
  }
  if (command.unprivileged) {
    drop_all_capabilities();
  }
  execvp(argv[0], argv.data());
  refuse(argv[0]);
}

int decode(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe2");
    }
  }

  ~Pipe() {
    close_end(0);
    close_end(1);
  }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_end(std::size_t which) {
    if (ends.at(which) >= 0) {
      close(ends.at(which));
      ends.at(which) = -1;
    }
  }

  std::array<int, 2> ends{-1, -1};
};

// Reads what there is; false at the end of the stream.
bool drain(int fd, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return count > 0;
}

// Both streams until they end; false if the deadline passed first.
bool collect(Pipe& out, Pipe& err, Outcome& outcome, Clock::time_point end) {
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now()).count();
    if (left <= 0) {
      return false;
    }
    std::array<pollfd, 2> waits{pollfd{out.ends[0], POLLIN, 0}, pollfd{err.ends[0], POLLIN, 0}};
    if (poll(waits.data(), waits.size(), static_cast<int>(left)) <= 0) {
      continue;
    }
    if (waits[0].revents != 0 && !drain(out.ends[0], outcome.out)) {
      out.close_end(0);
    }
    if (waits[1].revents != 0 && !drain(err.ends[0], outcome.err)) {
      err.close_end(0);
    }
  }
  return true;
}

}  // namespace

std::string Outcome::text() const {
  return "exit code " + std::to_string(code) + "\n" + out + err;
}

Outcome run(const Command& command) {
  const auto end = Clock::now() + scaled(command.deadline);
  Pipe in;
  Pipe out;
  Pipe err;
  // A short input fits the pipe, so it is written before there is a reader.
  if (write(in.ends[1], command.input.data(), command.input.size()) !=
      static_cast<ssize_t>(command.input.size())) {
    throw std::runtime_error("input does not fit a pipe");
  }
  in.close_end(1);
  const pid_t pid = start(command, {in.ends[0], out.ends[1], err.ends[1]});
  if (pid < 0) {
    throw std::runtime_error("fork");
  }
  out.close_end(1);
  err.close_end(1);
  Outcome outcome;
  const bool complete = collect(out, err, outcome, end);
  if (!complete) {
    kill(pid, SIGKILL);
    outcome.err += "[killed: not done in time: " + command.argv[0] + "]\n";
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.code = decode(status);
  return outcome;
}

Outcome run(std::vector<std::string> argv) {
  return run(Command{.argv = std::move(argv)});
}

Process::Process(const Command& command, std::string log_path) : log_path_(std::move(log_path)) {
  const int log = open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  pid_ = start(command, {nothing, log, log});
  close(log);
  close(nothing);
  if (pid_ < 0) {
    throw std::runtime_error("fork");
  }
}

Process::~Process() {
  if (running()) {
    kill(pid_, SIGKILL);
    wait(Seconds(10));
  }
}

bool Process::running() {
  return !wait(Milliseconds(0)).has_value();
}

void Process::signal(int number) const {
  kill(pid_, number);
}

void Process::freeze() const {
  signal(SIGSTOP);
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) < 0 &&
         errno == EINTR) {
  }
}

void Process::thaw() const {
  signal(SIGCONT);
}

std::optional<int> Process::wait(Milliseconds deadline) {
  const auto reaped = [&] {
    int status = 0;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = decode(status);
    }
    return status_.has_value();
  };
  wait_until(reaped, deadline, Milliseconds(2));
  return status_;
}

int Process::stop(Milliseconds deadline) {
  if (running()) {
    signal(SIGTERM);
    if (!wait(deadline)) {
      signal(SIGKILL);
    }
  }
  return wait(Seconds(10)).value_or(-1);
}

std::string Process::output() const {
  return read_file(log_path_);
}

double slowness() {
  static const double factor = [] {
    const char* text = std::getenv("VTEPD_TEST_SLOWNESS");
    return text == nullptr ? 1.0 : std::max(1.0, std::strtod(text, nullptr));
  }();
  return factor;
}

Milliseconds scaled(Milliseconds time) {
  return Milliseconds(
      static_cast<Milliseconds::rep>(static_cast<double>(time.count()) * slowness()));
}

void sleep_for(Milliseconds time) {
  std::this_thread::sleep_for(time);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.flush();
  if (!file) {
    throw std::runtime_error("cannot write " + path);
  }
}

}  // namespace vtepd::test
