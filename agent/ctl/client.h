// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <chrono>
#include <string>

namespace vtepd::ctl {

struct Answer {
  unsigned status = 0;
  std::string body;
};

// A failure to talk with the daemon. `not_running`: nobody serves the socket.
struct CallError {
  Error error;
  bool not_running = false;
};

// One HTTP call over the Unix socket; takes no longer than the timeout.
tl::expected<Answer, CallError> call(const std::string& socket, const std::string& method,
                                     const std::string& target, const std::string& body,
                                     std::chrono::milliseconds timeout);

// One segment of a path, percent-encoded.
[[nodiscard]] std::string percent_encoded(const std::string& text);

}  // namespace vtepd::ctl
