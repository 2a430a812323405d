// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <memory>
#include <string>
#include <vector>

namespace vtepd::test {

// A program that scripts/peers fetched for dockerd, or an empty string.
[[nodiscard]] std::string docker_program();

struct DockerMachineOptions {
  std::string hostname;  // unique, else Serf ends itself over the conflict
  std::string address;   // of its underlay interface
  std::string consul;    // "10.99.0.254:8500"
};

// dockerd 20.10 in the namespaces of a machine: the network namespace that is given, and PID,
// mount, UTS and IPC namespaces of its own. With its first process everything in it ends, so
// nothing of dockerd, containerd, shims, containers and their mounts outlives this object or the
// test program.
class DockerMachine {
 public:
  DockerMachine(const NetNamespace& netns, DockerMachineOptions options);
  ~DockerMachine();
  DockerMachine(const DockerMachine&) = delete;
  DockerMachine& operator=(const DockerMachine&) = delete;

  void start();  // and waits until dockerd answers; throws with its log if it does not
  void stop();   // as a person would: it ends its containers
  void kill9();  // containerd and the containers stay

  // `docker WORDS`, once.
  [[nodiscard]] Outcome docker(std::vector<std::string> words,
                               Milliseconds deadline = Seconds(60)) const;

  [[nodiscard]] bool running() const { return daemon_ != nullptr && daemon_->running(); }

  [[nodiscard]] const std::string& folder() const { return folder_; }

  [[nodiscard]] std::string log() const { return read_file(folder_ + "/dockerd.log"); }

  // A path of the machine as the test program reaches it.
  [[nodiscard]] std::string seen_from_here(const std::string& path) const;

 private:
  void boot();
  void launch();
  [[nodiscard]] pid_t daemon_pid() const;

  const NetNamespace& netns_;
  DockerMachineOptions options_;
  std::string folder_;
  std::string cgroup_;
  std::unique_ptr<Process> first_;
  std::unique_ptr<Process> daemon_;
};

}  // namespace vtepd::test
