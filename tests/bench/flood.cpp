// SPDX-License-Identifier: GPL-2.0-only
#include "bench/core_time.h"
#include "bench/party.h"
#include "bench/streams.h"

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include <sys/socket.h>
#include <sys/time.h>

namespace vtepd::bench {

namespace {

constexpr std::size_t kDatagram = 64;
constexpr int kReceiveBuffer = 256 << 20;
constexpr std::size_t kBatch = 64;
constexpr double kMostLost = 0.1;
constexpr int kClockEvery = 256;  // datagrams between two looks at the clock

// Counts datagrams until none has come for a while after the sender's end.
void count_datagrams(int socket, const std::atomic<bool>& sent_all,
                     std::atomic<std::uint64_t>& received) {
  std::array<std::array<char, kDatagram>, kBatch> buffers{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts.at(i) = {buffers.at(i).data(), buffers.at(i).size()};
    messages.at(i).msg_hdr.msg_iov = &parts.at(i);
    messages.at(i).msg_hdr.msg_iovlen = 1;
  }
  while (true) {
    const bool last = sent_all;
    const int count = recvmmsg(socket, messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (count > 0) {
      received += static_cast<std::uint64_t>(count);
    } else if (last) {
      return;
    }
  }
}

struct Sent {
  std::uint64_t datagrams = 0;
  double busy_ns = 0;
};

Sent send_datagrams(const End& to, double seconds) {
  const SocketPtr socket = connect_to(to, SOCK_DGRAM);
  const std::array<char, kDatagram> datagram{};
  const CoreTime time(measured_core());
  Sent sent;
  while (sent.busy_ns < seconds * 1e9) {
    for (int i = 0; i < kClockEvery; ++i) {
      if (send(socket->get(), datagram.data(), datagram.size(), 0) < 0) {
        throw std::runtime_error("a datagram was refused by the sender's kernel");
      }
    }
    sent.datagrams += kClockEvery;
    sent.busy_ns = time.elapsed_ns();
  }
  return sent;
}

SocketPtr open_receiver(const End& at) {
  SocketPtr receiver;
  at.netns->inside([&] { receiver = serve_at(at, SOCK_DGRAM); });
  setsockopt(receiver->get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  const timeval pause{0, 50000};
  setsockopt(receiver->get(), SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
  return receiver;
}

}  // namespace

FloodResult run_flood(const End& from, const End& to, double seconds) {
  const SocketPtr receiver = open_receiver(to);
  std::atomic<bool> sent_all{false};
  std::atomic<std::uint64_t> received{0};
  Sent sent;
  Party reader(*to.netns, other_core(),
               [&] { count_datagrams(receiver->get(), sent_all, received); });
  Party writer(*from.netns, measured_core(), [&] { sent = send_datagrams(to, seconds); });
  std::exception_ptr problem;
  try {
    writer.join();
  } catch (...) {
    problem = std::current_exception();
  }
  sent_all = true;
  reader.join();
  if (problem) {
    std::rethrow_exception(problem);
  }
  const auto arrived = static_cast<double>(received);
  const double loss = 1 - arrived / static_cast<double>(sent.datagrams);
  if (loss > kMostLost) {
    throw std::runtime_error(std::to_string(sent.datagrams) + " datagrams were sent, " +
                             std::to_string(received) + " arrived");
  }
  return {.packets_per_second = arrived / (sent.busy_ns / 1e9), .loss = loss};
}

}  // namespace vtepd::bench
