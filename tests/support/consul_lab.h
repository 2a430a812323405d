// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/consul.h"
#include "support/lab.h"

#include <string>

namespace vtepd::test {

inline constexpr const char* kConsulAddress = "10.99.0.254";

// A Consul on a lab's underlay, running from the start.
class LabConsul : public ConsulServer {
 public:
  explicit LabConsul(const Lab& lab)
      : ConsulServer({.netns = lab.underlay().path(), .address = kConsulAddress}) {
    lab.underlay().ip(std::string("address add ") + kConsulAddress + "/24 dev br0");
    start();
  }
};

// Of a host whose store it is.
inline HostOptions consul_host(const std::string& gossip = "") {
  HostOptions options;
  options.store =
      std::string("kind = \"consul\"\naddresses = [\"http://") + kConsulAddress + ":8500\"]\n";
  options.gossip = gossip;
  return options;
}

}  // namespace vtepd::test
