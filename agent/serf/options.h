// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "serf/link.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

struct SerfOptions {
  // An agent that is found running.
  struct Found {
    serf::RpcAddress rpc;
    std::string key;  // empty: it wants none
  };

  // One that is started.
  struct Child {
    std::string program = "serf";
    std::string config_path;  // written by us, mode 0600, in a folder that exists
    std::string node;         // unique in the cluster
    std::string bind;         // "address:port" for the gossip itself
    std::string encrypt_key;  // base64; empty: in clear
  };

  struct Timing {
    std::chrono::milliseconds answer{3000};  // an agent that takes longer is frozen
    std::chrono::milliseconds beat{2000};    // a question this often shows that it is not
    std::chrono::milliseconds retry_first{100};
    std::chrono::milliseconds retry_longest{2000};
    std::chrono::milliseconds join{30000};      // the configured nodes are contacted this often
    std::chrono::milliseconds hopeless{15000};  // a child frozen for longer is killed
  };

  std::optional<Found> found;  // else the child
  Child child;
  std::vector<std::string> join;  // contacted at every start and then for ever
  Timing timing;
  // What the agent prints, and what was skipped; for the debug log.
  std::function<void(const std::string&)> log;
};

namespace serf {

struct Counters {
  std::atomic<std::uint64_t> malformed = 0;
  std::atomic<std::uint64_t> outages = 0;
  std::atomic<std::uint64_t> refused = 0;
};

}  // namespace serf

}  // namespace vtepd
