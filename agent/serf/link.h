// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/types.h"
#include "serf/session.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace vtepd::serf {

struct RpcAddress {
  IpAddress address;
  std::uint16_t port = 0;

  [[nodiscard]] std::string to_string() const;
  bool operator==(const RpcAddress&) const = default;
};

// A TCP connection to an agent's RPC, with the session on it. Handshake and key go first; requests
// may be made from the start. Never blocks; one thread.
class Link {
 public:
  struct Options {
    RpcAddress rpc;
    std::string key;  // empty: the agent wants none
    std::chrono::milliseconds timeout{0};
    std::function<void(const Error&)> on_malformed;
  };

  static Result<std::unique_ptr<Link>> open(const Options& options, Clock::time_point now);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }

  [[nodiscard]] short wanted() const;  // poll events
  // Does what poll found, and sees whether an answer is overdue. An error ends the link.
  Result<void> work(short events, Clock::time_point now);

  [[nodiscard]] Session& session() { return session_; }

 private:
  Link(UniqueFd fd, const Options& options, Clock::time_point now);
  Result<void> read();
  Result<void> write();

  UniqueFd fd_;
  Session session_;
  std::string name_;
  bool connected_ = false;
};

}  // namespace vtepd::serf
