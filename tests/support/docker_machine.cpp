// SPDX-License-Identifier: GPL-2.0-only
#include "support/docker_machine.h"

#include "support/cgroup.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace vtepd::test {

namespace fs = std::filesystem;

namespace {

std::string peer(const std::string& path) {
  return std::string(VTEPD_PEERS) + "/" + path;
}

// dockerd finds containerd and runc there, and containerd its shim.
std::string search_path() {
  const char* usual = std::getenv("PATH");
  return "PATH=" + peer("docker.io/usr/sbin") + ":" + peer("containerd/usr/bin") + ":" +
         peer("runc/usr/sbin") + ":" + (usual == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : usual);
}

// 0 while there is none.
pid_t only_child(pid_t parent) {
  const std::string pid = std::to_string(parent);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  pid_t child = 0;
  children >> child;
  return child;
}

pid_t child_of(const Process& parent, const std::string& what) {
  pid_t child = 0;
  if (!wait_until([&] { return (child = only_child(parent.pid())) != 0; }, Seconds(10))) {
    throw std::runtime_error(what + " did not start:\n" + parent.output());
  }
  return child;
}

}  // namespace

std::string docker_program() {
  const bool complete = fs::exists(peer("docker.io/usr/sbin/dockerd")) &&
                        fs::exists(peer("containerd/usr/bin/containerd")) &&
                        fs::exists(peer("runc/usr/sbin/runc")) &&
                        fs::exists(peer("busybox-static/bin/busybox"));
  return complete ? peer("docker.io/usr/bin/docker") : "";
}

DockerMachine::DockerMachine(const NetNamespace& netns, DockerMachineOptions options)
    : netns_(netns),
      options_(std::move(options)),
      folder_(lab_folder() + "/" + options_.hostname),
      cgroup_(options_.hostname) {
  fs::create_directories(folder_);
  write_file(folder_ + "/daemon.json", "{}\n");
}

DockerMachine::~DockerMachine() {
  first_.reset();
  daemon_.reset();
  remove_cgroups(cgroup_mount(), cgroup_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void DockerMachine::boot() {
  cgroup_mount();  // before the machine takes its copy of the mounts
  first_ = std::make_unique<Process>(
      Command{.argv = {"unshare", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "sh",
                       VTEPD_DOCKER_MACHINE, options_.hostname, folder_},
              .netns = netns_.path(),
              .own_root = true},
      folder_ + "/machine.log");
  const auto up = [&] { return fs::exists(folder_ + "/ready") || !first_->running(); };
  if (!wait_until(up, Seconds(20)) || !first_->running()) {
    throw std::runtime_error("the machine of " + options_.hostname + ": " + first_->output());
  }
}

void DockerMachine::launch() {
  const std::string init = std::to_string(child_of(*first_, "unshare"));
  daemon_ = std::make_unique<Process>(Command{.argv = {"nsenter",
                                                       "-t",
                                                       init,
                                                       "-m",
                                                       "-p",
                                                       "-u",
                                                       "-i",
                                                       "env",
                                                       search_path(),
                                                       "dockerd",
                                                       "-H",
                                                       "unix://" + folder_ + "/docker.sock",
                                                       "--config-file",
                                                       folder_ + "/daemon.json",
                                                       "--data-root",
                                                       folder_ + "/data",
                                                       "--exec-root",
                                                       "/run/docker",
                                                       "--pidfile",
                                                       "/run/docker.pid",
                                                       "--bridge",
                                                       "none",
                                                       "--iptables=false",
                                                       "--ip6tables=false",
                                                       "--storage-driver",
                                                       "vfs",
                                                       "--exec-opt",
                                                       "native.cgroupdriver=cgroupfs",
                                                       "--cgroup-parent",
                                                       "/" + cgroup_,
                                                       "--cluster-store",
                                                       "consul://" + options_.consul,
                                                       "--cluster-advertise",
                                                       options_.address + ":2376"},
                                              .netns = netns_.path()},
                                      folder_ + "/dockerd.log");
}

void DockerMachine::start() {
  if (!first_) {
    boot();
  }
  launch();
  const auto answers = [&] { return !daemon_->running() || docker({"version"}, Seconds(5)).ok(); };
  if (!wait_until(answers, Seconds(60), Milliseconds(50)) || !daemon_->running()) {
    throw std::runtime_error("dockerd of " + options_.hostname + " did not get ready:\n" + log());
  }
}

pid_t DockerMachine::daemon_pid() const {
  return child_of(*daemon_, "dockerd of " + options_.hostname);
}

void DockerMachine::stop() {
  kill(daemon_pid(), SIGTERM);
  const bool ended = daemon_->wait(Seconds(30)).has_value();
  if (!ended) {
    kill9();
    throw std::runtime_error("dockerd of " + options_.hostname + " did not end:\n" + log());
  }
  daemon_.reset();
}

void DockerMachine::kill9() {
  kill(daemon_pid(), SIGKILL);
  daemon_->wait(Seconds(10));
  daemon_.reset();
}

Outcome DockerMachine::docker(std::vector<std::string> words, Milliseconds deadline) const {
  words.insert(words.begin(), {docker_program(), "-H", "unix://" + folder_ + "/docker.sock"});
  return run({.argv = std::move(words), .deadline = deadline});
}

std::string DockerMachine::seen_from_here(const std::string& path) const {
  return "/proc/" + std::to_string(child_of(*first_, "unshare")) + "/root" + path;
}

}  // namespace vtepd::test
