// SPDX-License-Identifier: GPL-2.0-only
#include "support/netns.h"

#include "support/cgroup.h"
#include "support/mounts.h"

#include <array>
#include <atomic>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <sys/mount.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::test {

namespace fs = std::filesystem;

namespace {

void sweep_mounts(const std::string& prefix) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, target, type, rest;
       mounts >> device >> target >> type && std::getline(mounts, rest);) {
    if (!target.starts_with("/tmp/" + prefix) && !target.starts_with("/run/vtepd/" + prefix)) {
      continue;
    }
    if (type == "cgroup2") {
      remove_cgroups(target, prefix);
    }
    run({"umount", "-l", target});
  }
}

// Everything that may carry the prefix; false if there was nothing. Pins go first: with the last
// link and map of an instance its programs go too.
bool sweep(const std::string& prefix) {
  bool any = false;
  sweep_mounts(prefix);
  const std::array<const char*, 5> folders{"/sys/fs/bpf/vtepd", "/run/netns", "/run/vtepd",
                                           "/var/lib/vtepd", "/tmp"};
  for (const char* folder : folders) {
    std::error_code ignored;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().filename().string().starts_with(prefix)) {
        found.push_back(entry.path());
      }
    }
    any = any || !found.empty();
    for (const fs::path& path : found) {
      if (path.parent_path() == "/run/netns") {
        run({"ip", "netns", "del", path.filename().string()});
      } else {
        fs::remove_all(path, ignored);
      }
    }
  }
  return any;
}

// A daemon that is on its way down, or up, may make things meanwhile.
void sweep_all(const std::string& prefix) {
  constexpr int kMostSweeps = 20;
  for (int i = 0; i < kMostSweeps && sweep(prefix); ++i) {
    sleep_for(Milliseconds(250));
  }
}

// Twice forked and in a session of its own, so that neither a signal to the test's process group
// nor ctest's killing of the process tree reaches it. The pipe closes when the test is gone.
void start_sweeper(const std::string& prefix) {
  std::array<int, 2> life{};
  if (pipe2(life.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2");
  }
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    dup2(life[0], STDIN_FILENO);
    close_range(1, ~0U, 0);
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    sweep_all(prefix);
    _exit(0);
  }
  close(life[0]);  // the other end stays open until this program ends
  waitpid(child, nullptr, 0);
}

}  // namespace

const std::string& lab_prefix() {
  static const std::string prefix = [] {
    std::string text = "vt" + std::to_string(getpid()) + "-";
    start_sweeper(text);
    return text;
  }();
  return prefix;
}

std::string unique_name() {
  static std::atomic<int> counter{0};
  return lab_prefix() + std::to_string(++counter);
}

const std::string& lab_folder() {
  static const std::string folder = [] {
    std::string path = "/tmp/" + lab_prefix() + "lab";
    fs::create_directories(path);
    return path;
  }();
  return folder;
}

NetNamespace::NetNamespace() : name_(unique_name()) {
  create();
}

NetNamespace::NetNamespace(const std::string& handle) : name_(unique_name()) {
  // A namespace behind another mount namespace cannot be bound from there; a process in it can be.
  const Outcome made =
      run({.argv = {"sh", "-c", "exec ip netns attach \"$0\" $$", name_}, .netns = handle});
  if (!made.ok()) {
    throw std::runtime_error("ip netns attach " + name_ + " to " + handle + ": " + made.text());
  }
  exists_ = true;
}

NetNamespace::~NetNamespace() {
  if (exists_) {
    run({"ip", "netns", "del", name_});
  }
}

void NetNamespace::create() {
  const Outcome made = run({"ip", "netns", "add", name_});
  if (!made.ok()) {
    throw std::runtime_error("ip netns add " + name_ + ": " + made.text());
  }
  exists_ = true;
  ip("link set lo up");
}

void NetNamespace::destroy() {
  run({"ip", "netns", "del", name_});
  exists_ = false;
}

Command NetNamespace::command(std::vector<std::string> argv) const {
  return Command{.argv = std::move(argv), .netns = path()};
}

Outcome NetNamespace::exec(std::vector<std::string> argv, Milliseconds deadline,
                           std::string input) const {
  Command what = command(std::move(argv));
  what.deadline = deadline;
  what.input = std::move(input);
  return run(what);
}

void NetNamespace::ip(const std::string& commands) const {
  const Outcome outcome = exec({"ip", "-batch", "-"}, Seconds(30), commands + "\n");
  if (!outcome.ok()) {
    throw std::runtime_error("ip in " + name_ + ": " + commands + "\n" + outcome.text());
  }
}

void NetNamespace::inside(const std::function<void()>& function) const {
  std::exception_ptr problem;
  std::thread thread([&] {
    try {
      const int fd = open(path().c_str(), O_RDONLY | O_CLOEXEC);
      const int entered = setns(fd, CLONE_NEWNET);
      close(fd);
      if (entered != 0) {
        throw std::runtime_error("cannot enter " + path());
      }
      function();
    } catch (...) {
      problem = std::current_exception();
    }
  });
  thread.join();
  if (problem) {
    std::rethrow_exception(problem);
  }
}

void NetNamespace::sysctl(const std::string& key, const std::string& value) const {
  const Outcome outcome = exec({"sysctl", "-qw", key + "=" + value});
  if (!outcome.ok()) {
    throw std::runtime_error("sysctl " + key + ": " + outcome.text());
  }
}

// A sysfs shows the interfaces of the namespace in which it was mounted.
void NetNamespace::set_link_attribute(const std::string& path, const std::string& value) const {
  bool done = false;
  inside([&] {
    if (private_mounts() && mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0) {
      std::ofstream file("/sys/class/net/" + path);
      done = static_cast<bool>(file << value << std::flush);
    }
  });
  if (!done) {
    throw std::runtime_error("cannot write " + value + " to " + path + " of " + name_);
  }
}

}  // namespace vtepd::test
