// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "serf/child_output.h"
#include "serf/link.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

namespace vtepd::serf {

// The text of the child's configuration; it holds both keys, so its file is for the owner alone.
struct AgentConfig {
  std::string node;
  std::string bind;         // "address:port"
  std::string encrypt_key;  // base64; empty: in clear
  RpcAddress rpc;
  std::string rpc_key;

  [[nodiscard]] std::string to_json() const;
};

// 32 hex digits from the kernel.
Result<std::string> random_key();
// A TCP port of that loopback address that nobody listens on now.
Result<std::uint16_t> free_port(const IpAddress& loopback);
// Replaces the file, mode 0600.
Result<void> write_secret_file(const std::string& path, const std::string& content);

// A `serf agent` that is our child. The kernel kills it when the thread that started it ends, so
// that thread must live as long as this object.
class AgentProcess {
 public:
  static Result<std::unique_ptr<AgentProcess>> start(
      const std::string& program, const std::string& config_path,
      std::function<void(const std::string&)> on_line);
  // Asks it to end, and kills it if it does not within 3 s.
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  [[nodiscard]] int exit_fd() const { return exit_.get(); }  // readable once it ended

  [[nodiscard]] int output_fd() const { return output_.get(); }

  // Reads what it printed. False at the end of its output, which closes it.
  bool read_output();
  void signal(int number) const;
  // How it ended, with the last error that it printed; nothing while it runs.
  std::optional<std::string> ended();

 private:
  AgentProcess(pid_t pid, UniqueFd exit, UniqueFd output,
               std::function<void(const std::string&)> on_line);
  bool wait_for_end(int milliseconds);

  pid_t pid_;
  UniqueFd exit_;
  UniqueFd output_;
  ChildOutput lines_;
  bool reaped_ = false;
};

}  // namespace vtepd::serf
