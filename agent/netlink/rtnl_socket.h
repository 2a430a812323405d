// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "netlink/message.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct nl_sock;

namespace vtepd::netlink {

// How the kernel answered a request. `text` is its extended acknowledgement, often empty.
struct Answer {
  int error = 0;  // errno
  std::string text;

  [[nodiscard]] bool ok() const { return error == 0; }

  // "<operation>: <strerror> (kernel: <text>)"
  [[nodiscard]] Error describe(std::string_view operation) const;
  [[nodiscard]] Result<void> result(std::string_view operation) const;
};

// A NETLINK_ROUTE socket. It stays in the network namespace of the thread that opened it, whoever
// uses it later. Threading: one user at a time.
class Socket {
 public:
  using OnReply = std::function<void(const Reply&)>;

  // For requests.
  static Result<Socket> open();
  // For notifications of these RTNLGRP_*; does not block. A group that the kernel does not know is
  // left out.
  static Result<Socket> subscribe(const std::vector<int>& groups);

  // Sends and reads until the kernel acknowledges; `on_reply` gets what comes before that. Waits
  // for 5 s at most.
  Answer request(Message& message, const OnReply& on_reply = nullptr);

  // Sends all of them in few system calls and reads until the kernel has carried out the last one.
  // `on_reply` gets what a get request asked for; the result has those that were refused, by their
  // place in `messages`. One that does not fit is refused with EMSGSIZE, the others are sent.
  struct Refused {
    std::size_t index = 0;
    Answer answer;
  };

  using OnBatchReply = std::function<void(std::size_t index, const Reply&)>;
  Result<std::vector<Refused>> batch(std::vector<Message>& messages,
                                     const OnBatchReply& on_reply = nullptr);
  // Reads one datagram of notifications. error EAGAIN: none is waiting; ENOBUFS: some were lost.
  Answer receive(const OnReply& on_notification);
  [[nodiscard]] int fd() const;

 private:
  struct Free {
    void operator()(nl_sock* socket) const;
  };

  explicit Socket(nl_sock* socket) : socket_(socket) {}

  struct Batch;

  Answer exchange(Message& message, const OnReply& on_reply, bool& interrupted);

  std::unique_ptr<nl_sock, Free> socket_;
};

}  // namespace vtepd::netlink
