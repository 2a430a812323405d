// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/process.h"

#include <memory>
#include <string>
#include <vector>

namespace vtepd::test {

// The real Consul that scripts/peers fetched; empty if it did not.
[[nodiscard]] std::string consul_program();

struct ConsulOptions {
  std::string netns{};  // path of a namespace; empty: the caller's own
  std::string address = "127.0.0.1";
  std::string settings{};  // further lines of its configuration, HCL
  std::string url_scheme = "http";
  std::vector<std::string> client_options{};  // for `consul kv ...`, such as -token
};

// A server of its own, one node, on the usual ports of its address. Keeps its data over a stop and
// start; ended by its pid, and its data removed, with this object.
class ConsulServer {
 public:
  explicit ConsulServer(ConsulOptions options = {});
  ~ConsulServer();
  ConsulServer(const ConsulServer&) = delete;
  ConsulServer& operator=(const ConsulServer&) = delete;

  void start();  // and waits until it leads and has taken a write; throws with its log if not
  void stop();   // as a person would
  void kill9();
  void freeze() const;
  void thaw() const;

  [[nodiscard]] std::string url() const;
  // `consul kv WORDS`; throws if it fails.
  std::string kv(std::vector<std::string> words) const;
  [[nodiscard]] Outcome cli(std::vector<std::string> words) const;
  [[nodiscard]] std::string log() const;

 private:
  ConsulOptions options_;
  std::string folder_;
  std::unique_ptr<Process> process_;
  int starts_ = 0;
};

}  // namespace vtepd::test
