// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/consul_lab.h"
#include "support/docker.h"
#include "support/lab.h"

#include <memory>
#include <string>
#include <vector>

namespace vtepd::test {

struct MixedLabOptions {
  int dockers = 2;
  int vtepds = 0;
  HostOptions host{};  // of the vtepd hosts; `store` is filled in when it is empty
};

// Machines of both kinds on one underlay, and a Consul in the underlay's namespace that they share.
// vtepd host N is at 10.99.0.N, Docker host N at 10.99.0.(100 + N), Consul at 10.99.0.254. Consul
// and the dockers run from the start; `lab().start()` starts the vtepds.
class MixedLab {
 public:
  explicit MixedLab(const MixedLabOptions& options = {});
  ~MixedLab();
  MixedLab(const MixedLab&) = delete;
  MixedLab& operator=(const MixedLab&) = delete;

  [[nodiscard]] Lab& lab() { return lab_; }

  [[nodiscard]] ConsulServer& consul() { return *consul_; }

  [[nodiscard]] DockerHost& docker(int number) {
    return *dockers_.at(static_cast<std::size_t>(number) - 1);
  }

  [[nodiscard]] Host& vtepd(int number) { return lab_.host(number); }

  DockerHost& add_docker();                // and starts it
  DockerHost& add_docker_on(Host& vtepd);  // beside the vtepd of that host
  Host& add_vtepd(HostOptions options = {});

 private:
  DockerHost& start(std::unique_ptr<DockerHost> made);

  Lab lab_{LabOptions{.hosts = 0}};
  std::unique_ptr<LabConsul> consul_;
  std::vector<std::unique_ptr<DockerHost>> dockers_;
};

}  // namespace vtepd::test
