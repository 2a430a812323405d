// SPDX-License-Identifier: GPL-2.0-only
#include "support/loss_meter.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include <linux/sock_diag.h>

#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr std::size_t kDatagram = 64;
constexpr int kReceiveBuffer = 64 << 20;
// After a pause of its thread the sender catches up at three times its pace, not all at once: that
// would only measure the queues of veth.
constexpr auto kTick = std::chrono::milliseconds(1);
constexpr std::uint64_t kCatchUp = 3;
constexpr std::size_t kBatch = 64;

using Datagram = std::array<char, kDatagram>;

// `n` messages over buffers of their own.
template <std::size_t N>
struct Batch {
  std::array<Datagram, N> data{};
  std::array<iovec, N> parts{};
  std::array<mmsghdr, N> messages{};

  Batch() {
    for (std::size_t i = 0; i < N; ++i) {
      parts[i] = {data[i].data(), data[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

void wait_at_most(int fd, Milliseconds time) {
  const timeval limit{0, static_cast<suseconds_t>(time.count() * 1000)};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

std::uint64_t dropped_by_socket(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0 ? info[SK_MEMINFO_DROPS]
                                                                         : 0;
}

std::string intervals(const std::vector<bool>& seen, std::uint64_t sent) {
  constexpr int kMost = 20;
  std::string text;
  int count = 0;
  for (std::uint64_t at = 0; at < sent; ++at) {
    if (seen[at]) {
      continue;
    }
    const std::uint64_t first = at;
    while (at + 1 < sent && !seen[at + 1]) {
      ++at;
    }
    if (++count <= kMost) {
      text += (text.empty() ? "" : ", ") + std::to_string(first) + "-" + std::to_string(at);
    }
  }
  return count > kMost ? text + ", ... (" + std::to_string(count) + " intervals)" : text;
}

}  // namespace

std::string Loss::text() const {
  return std::to_string(sent) + " sent, " + std::to_string(std::lround(per_second)) +
         " a second, " + std::to_string(lost) + " lost, " + std::to_string(twice) + " twice, " +
         std::to_string(send_errors) + " not sent, " + std::to_string(overflowed) +
         " dropped by the receiver's socket" + (numbers.empty() ? "" : "; lost: " + numbers);
}

NumberedStream::NumberedStream(const NetNamespace& from, const NetNamespace& to,
                               const std::string& address, std::uint16_t port, unsigned per_second)
    : target_(resolve(address, port)),
      per_second_(per_second),
      sender_(from, target_.family(), SOCK_DGRAM),
      receiver_(to, target_.family(), SOCK_DGRAM) {
  setsockopt(receiver_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  wait_at_most(receiver_.get(), Milliseconds(50));
  receiver_.bind_to(target_);
  if (connect(sender_.get(), target_.get(), target_.size) != 0) {
    throw std::runtime_error("connect to " + address + ": " + std::strerror(errno));
  }
  receive_thread_ = std::thread([this] { receive_all(); });
  send_thread_ = std::thread([this] { send_all(); });
}

NumberedStream::~NumberedStream() {
  finish();
}

void NumberedStream::send_all() {
  Batch<kBatch> batch;
  // On a slow machine a tick takes longer than its millisecond, and its share has to be larger.
  const double share = static_cast<double>(kCatchUp * per_second_) / 1000 * slowness();
  const auto most = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(share), 1, kBatch);
  while (sending_) {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin_).count();
    const auto due = static_cast<std::uint64_t>(elapsed) * per_second_ / 1000000;
    const std::uint64_t count = std::min(due - std::min<std::uint64_t>(due, sent_), most);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t number = sent_ + i;
      std::memcpy(batch.data[i].data(), &number, sizeof number);
    }
    const int done = count == 0 ? 0
                                : sendmmsg(sender_.get(), batch.messages.data(),
                                           static_cast<unsigned>(count), 0);
    if (done < 0) {
      ++send_errors_;
    } else {
      sent_ += static_cast<std::uint64_t>(done);
    }
    std::this_thread::sleep_for(kTick);
  }
  took_ = Clock::now() - begin_;
}

void NumberedStream::note(std::uint64_t number) {
  if (number >= seen_.size()) {
    seen_.resize(number + 1 + per_second_);
  }
  if (seen_[number]) {
    ++twice_;
    return;
  }
  seen_[number] = true;
  ++received_;
}

void NumberedStream::receive_all() {
  Batch<kBatch> batch;
  while (receiving_) {
    const int count =
        recvmmsg(receiver_.get(), batch.messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < count; ++i) {
      std::uint64_t number = 0;
      std::memcpy(&number, batch.data[static_cast<std::size_t>(i)].data(), sizeof number);
      note(number);
    }
  }
}

Loss NumberedStream::finish() {
  sending_ = false;
  if (send_thread_.joinable()) {
    send_thread_.join();
    (void)wait_until([&] { return received_ >= sent_; }, Seconds(2));
  }
  receiving_ = false;
  if (receive_thread_.joinable()) {
    receive_thread_.join();
  }
  seen_.resize(std::max<std::size_t>(seen_.size(), sent_));
  return {.sent = sent_,
          .per_second = static_cast<double>(sent_) / took_.count(),
          .lost = sent_ - received_,
          .twice = twice_,
          .send_errors = send_errors_,
          .overflowed = dropped_by_socket(receiver_.get()),
          .numbers = intervals(seen_, sent_)};
}

TcpPulse::TcpPulse(const NetNamespace& from, const NetNamespace& to, const std::string& address,
                   std::uint16_t port)
    : listener_(to, resolve(address, port).family(), SOCK_STREAM),
      client_(from, resolve(address, port).family(), SOCK_STREAM) {
  const Target target = resolve(address, port);
  listener_.bind_to(target);
  if (listen(listener_.get(), 1) != 0 || connect(client_.get(), target.get(), target.size) != 0) {
    throw std::runtime_error("connect to " + address + ": " + std::strerror(errno));
  }
  server_ = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  server_thread_ = std::thread([this] { answer(); });
  client_thread_ = std::thread([this] { ask(); });
}

TcpPulse::~TcpPulse() {
  finish();
  close(server_);
}

void TcpPulse::answer() const {
  std::uint64_t number = 0;
  while (recv(server_, &number, sizeof number, MSG_WAITALL) == sizeof number &&
         send(server_, &number, sizeof number, MSG_NOSIGNAL) == sizeof number) {
  }
}

bool TcpPulse::exchange(std::uint64_t number) {
  std::uint64_t back = 0;
  if (send(client_.get(), &number, sizeof number, MSG_NOSIGNAL) != sizeof number ||
      recv(client_.get(), &back, sizeof back, MSG_WAITALL) != sizeof back) {
    error_ = std::strerror(errno);
  } else if (back != number) {
    error_ = "the wrong bytes came back";
  }
  return error_.empty();
}

void TcpPulse::ask() {
  while (running_) {
    const auto before = Clock::now();
    if (!exchange(replies_ + 1)) {
      error_ += " after " + std::to_string(replies_) + " replies";
      return;
    }
    longest_ = std::max(longest_, std::chrono::duration_cast<Milliseconds>(Clock::now() - before));
    ++replies_;
    std::this_thread::sleep_for(kTick);
  }
}

void TcpPulse::finish() {
  running_ = false;
  if (client_thread_.joinable()) {
    client_thread_.join();
    shutdown(client_.get(), SHUT_RDWR);
    server_thread_.join();
  }
}

}  // namespace vtepd::test
