// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/docker_machine.h"
#include "support/host.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace vtepd::test {

// One machine of the lab with dockerd 20.10 and its classic overlay over Consul in it: cabled to
// the underlay like a Host, or a Host that has dockerd besides.
class DockerHost {
 public:
  DockerHost(const NetNamespace& underlay, int number, const std::string& consul);
  DockerHost(const Host& host, const std::string& consul);
  ~DockerHost();
  DockerHost(const DockerHost&) = delete;
  DockerHost& operator=(const DockerHost&) = delete;

  [[nodiscard]] const NetNamespace& netns() const { return netns_; }

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] const std::string& address() const { return address_; }

  void start();  // with the image "bb", a busybox, in it
  void restart();
  void stop();
  void kill9();

  // `docker WORDS`, once and as it comes out.
  [[nodiscard]] Outcome docker(std::vector<std::string> words) const;
  // Again while dockerd says that it does not reach Consul: now and then it runs a call on a thread
  // that is left in another namespace. What it prints without the line's end; throws if it fails.
  std::string must(const std::vector<std::string>& words) const;

  // Answers the network's id.
  std::string network_create(const std::string& name, const std::string& subnet,
                             const std::vector<std::string>& options = {}) const;
  void network_rm(const std::string& name) const;
  [[nodiscard]] Json network_inspect(const std::string& name) const;
  [[nodiscard]] bool has_network(const std::string& name) const;

  // A container that sleeps. Without an address dockerd picks one.
  Container& run(const std::string& name, const std::string& network,
                 const std::string& address = "", const std::vector<std::string>& options = {});
  void rm(const std::string& name);
  [[nodiscard]] Json inspect(const std::string& name) const;
  [[nodiscard]] Outcome exec(const std::string& name, std::vector<std::string> argv) const;
  // Asks the resolver that dockerd keeps for that container.
  [[nodiscard]] Outcome resolve(const std::string& name, const std::string& wanted) const;
  // After a restart of the container, whose namespace is another then.
  Container& started(const std::string& name);

  // A command in the namespace where dockerd keeps the bridge and vxlan device of a network. It is
  // there while the host has a container in the network.
  [[nodiscard]] Outcome in_overlay(const std::string& network_id,
                                   std::vector<std::string> argv) const;
  void dump() const;  // everything that explains a failure

 private:
  std::unique_ptr<NetNamespace> own_netns_;
  const NetNamespace& netns_;
  std::string name_;
  std::string address_;
  DockerMachine machine_;
  std::map<std::string, std::unique_ptr<Container>> containers_;
};

// Whether a dockerd that ended since the last call did not reach Consul at some time, because it
// ran a call on a thread that it had left in another namespace. What it was at then may be half
// done.
[[nodiscard]] bool docker_lost_its_way();

}  // namespace vtepd::test
