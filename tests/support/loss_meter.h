// SPDX-License-Identifier: GPL-2.0-only
// What tells that a data path lost nothing: numbered datagrams at a steady pace, and a TCP
// connection that has one small request under way at any time.
#pragma once

#include "support/sockets.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace vtepd::test {

struct Loss {
  std::uint64_t sent = 0;
  double per_second = 0;
  std::uint64_t lost = 0;
  std::uint64_t twice = 0;
  // Of the sender and the receiver themselves: no fault of what lies between.
  std::uint64_t send_errors = 0;
  std::uint64_t overflowed = 0;
  std::string numbers{};  // lost ones, as intervals: "1200-1450 (of 90000)"

  [[nodiscard]] std::string text() const;
};

// Datagrams from one container's namespace to an address in another's.
class NumberedStream {
 public:
  NumberedStream(const NetNamespace& from, const NetNamespace& to, const std::string& address,
                 std::uint16_t port, unsigned per_second);
  ~NumberedStream();
  NumberedStream(const NumberedStream&) = delete;
  NumberedStream& operator=(const NumberedStream&) = delete;

  [[nodiscard]] std::uint64_t received() const { return received_; }

  // Ends the sender, waits for what is under way, and counts.
  Loss finish();

 private:
  void send_all();
  void receive_all();
  void note(std::uint64_t number);

  Target target_;
  unsigned per_second_;
  Socket sender_;
  Socket receiver_;
  std::atomic<bool> sending_{true};
  std::atomic<bool> receiving_{true};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> received_{0};
  std::uint64_t send_errors_ = 0;
  std::uint64_t twice_ = 0;
  Clock::time_point begin_ = Clock::now();
  std::chrono::duration<double> took_{0};
  std::vector<bool> seen_;
  std::thread send_thread_;
  std::thread receive_thread_;
};

// Request and reply, one after another: a lost segment holds it up for at least 200 ms, the least
// retransmission time-out. Ends at the first error.
class TcpPulse {
 public:
  TcpPulse(const NetNamespace& from, const NetNamespace& to, const std::string& address,
           std::uint16_t port);
  ~TcpPulse();
  TcpPulse(const TcpPulse&) = delete;
  TcpPulse& operator=(const TcpPulse&) = delete;

  [[nodiscard]] std::uint64_t replies() const { return replies_; }

  void finish();

  // Empty if there was none. After finish().
  [[nodiscard]] const std::string& error() const { return error_; }

  [[nodiscard]] Milliseconds longest() const { return longest_; }

 private:
  void ask();
  void answer() const;
  bool exchange(std::uint64_t number);

  Socket listener_;
  Socket client_;
  int server_ = -1;
  std::atomic<bool> running_{true};
  std::atomic<std::uint64_t> replies_{0};
  std::string error_;
  Milliseconds longest_{0};
  std::thread server_thread_;
  std::thread client_thread_;
};

}  // namespace vtepd::test
