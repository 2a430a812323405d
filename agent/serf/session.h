// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "serf/object_reader.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd::serf {

using Clock = std::chrono::steady_clock;

// The RPC over one connection, without the connection: requests in, bytes out; bytes in, replies
// and records out. Replies may make further requests, but must not destroy the session.
class Session {
 public:
  // What the agent sends behind the header that answers a request.
  enum class Shape {
    Header,  // nothing
    Body,    // a body, also behind an error
    Stream,  // then, for ever, records of a header and a body each
    Query    // the same, up to the record that says done
  };

  struct Reply {
    std::optional<Error> error;  // the agent's
    std::string body;
  };

  struct Request {
    std::string command;
    std::string body;
    Shape shape = Shape::Header;
    std::chrono::milliseconds timeout{0};  // for the answer; of a query for its end
    // Once. An error is that of the connection. For a query at its end.
    std::function<void(Result<Reply>)> reply;
    // Each record's body. True: it was the last. An error: it is malformed and skipped.
    std::function<Result<bool>(const std::string&)> record;
  };

  static constexpr std::size_t kMaxOutput = 16U << 20U;  // that an agent has not read

  explicit Session(std::function<void(const Error&)> on_malformed)
      : on_malformed_(std::move(on_malformed)) {}

  // Exhausted, to the reply, if the agent reads nothing.
  void send(Request request, Clock::time_point now);

  [[nodiscard]] std::string_view output() const { return output_; }

  void sent(std::size_t bytes) { output_.erase(0, bytes); }

  // An error: the connection must end. Denied: the agent wants another key.
  Result<void> receive(std::string_view bytes);
  // The time by which the agent must have answered something.
  [[nodiscard]] std::optional<Clock::time_point> deadline() const;
  // Unavailable if it is over, naming the request.
  [[nodiscard]] Result<void> check(Clock::time_point now) const;
  // The connection ended: every reply that is due gets this.
  void end(const Error& reason);

 private:
  struct Pending {
    Request request;
    Clock::time_point due;
    bool opened = false;  // the first header of a stream or query was there
  };

  Result<void> take_header(const std::string& object);
  void take_body(const std::string& object);
  void finish(std::uint64_t seq, Result<Reply> reply);
  Result<void> malformed(const Error& error) const;

  std::function<void(const Error&)> on_malformed_;
  ObjectReader reader_;
  std::string output_;
  std::uint64_t last_seq_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::optional<std::uint64_t> body_of_;  // the header before had this number and a body follows
  Reply reply_;                           // that the body completes
};

}  // namespace vtepd::serf
