// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "ports/control.h"
#include "runtime/event_loop.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <sys/types.h>

namespace vtepd {

// Serves docs/api.md as HTTP over a Unix socket, on the loop's thread. The loop must outlive it;
// destroying it closes every connection and removes the socket.
class ApiServer {
 public:
  struct Options {
    std::string socket;
    uid_t client = 0;                          // the only user who may call
    std::chrono::milliseconds timeout{10000};  // to send a whole request, or to take an answer
    std::size_t max_connections = 64;          // one more gets 503
    std::size_t max_body = 1U << 20U;
    std::uint32_t max_header = 8192;
  };

  ApiServer(EventLoop& loop, Control& control, Options options);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Makes the socket (mode 0600; its folder 0700 if missing) and begins to serve. A socket that
  // nobody serves is replaced; Conflict if somebody does.
  Result<void> start();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vtepd
