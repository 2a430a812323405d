// SPDX-License-Identifier: GPL-2.0-only
#include "support/mixed_lab.h"

#include <exception>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

constexpr const char* kConsulServer = "10.99.0.254:8500";
constexpr int kFirstDocker = 101;

}  // namespace

MixedLab::MixedLab(const MixedLabOptions& options) {
  consul_ = std::make_unique<LabConsul>(lab_);
  for (int number = 0; number < options.dockers; ++number) {
    add_docker();
  }
  for (int number = 0; number < options.vtepds; ++number) {
    add_vtepd(options.host);
  }
}

MixedLab::~MixedLab() {
  if (testing::Test::HasFailure() || std::uncaught_exceptions() > 0) {
    for (const auto& docker : dockers_) {
      docker->dump();
    }
  }
}

DockerHost& MixedLab::add_docker() {
  const int number = kFirstDocker + static_cast<int>(dockers_.size());
  return start(std::make_unique<DockerHost>(lab_.underlay(), number, kConsulServer));
}

DockerHost& MixedLab::add_docker_on(Host& vtepd) {
  return start(std::make_unique<DockerHost>(vtepd, kConsulServer));
}

DockerHost& MixedLab::start(std::unique_ptr<DockerHost> made) {
  dockers_.push_back(std::move(made));
  DockerHost& docker = *dockers_.back();
  docker.start();
  // It answers before it has made itself known to the others.
  const auto known = [&] {
    return consul_->kv({"get", "-keys", "docker/nodes/"}).find("/" + docker.address() + ":") !=
           std::string::npos;
  };
  if (!wait_until(known, Seconds(30), Milliseconds(50))) {
    throw std::runtime_error(docker.name() + " has no key in docker/nodes");
  }
  return docker;
}

Host& MixedLab::add_vtepd(HostOptions options) {
  if (options.store.empty()) {
    options.store = "kind = \"consul\"\naddresses = [\"" + consul_->url() + "\"]\n";
  }
  return lab_.add_host(options);
}

}  // namespace vtepd::test
