// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <string>

namespace vtepd {

// The two locks of a daemon, held for life. The kernel lets go of both however the process ends.
//
// - One daemon per instance: flock on <run>/<instance>/lock, which holds the pid.
// - One instance per network namespace and UDP port: an abstract Unix socket, which is a name
//   within the network namespace; it tells who asks our instance name and pid.
class InstanceLock {
 public:
  // Conflict names the holder and its pid.
  static Result<InstanceLock> acquire_instance(const std::string& run_folder,
                                               const std::string& instance);
  Result<void> acquire_port(std::uint16_t port);

  [[nodiscard]] int port_fd() const { return port_.get(); }  // readable: somebody asks

  void answer() const;

 private:
  UniqueFd file_;
  UniqueFd port_;
  std::string instance_;
};

}  // namespace vtepd
