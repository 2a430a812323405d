// SPDX-License-Identifier: GPL-2.0-only
#include "support/datagrams.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <netdb.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr const char* kPort = "7778";
constexpr int kBuffer = 64 << 20;

class UdpSocket {
 public:
  UdpSocket(const NetNamespace& netns, const std::string& address) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (getaddrinfo(address.c_str(), kPort, &hints, &list) != 0) {
      throw std::runtime_error("not an address: " + address);
    }
    std::memcpy(&address_, list->ai_addr, list->ai_addrlen);
    size_ = list->ai_addrlen;
    freeaddrinfo(list);
    netns.inside([&] { fd_ = socket(address_.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0); });
    const timeval pause{0, 100000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
  }

  ~UdpSocket() { close(fd_); }

  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  [[nodiscard]] int get() const { return fd_; }

  [[nodiscard]] const sockaddr* address() const {
    return reinterpret_cast<const sockaddr*>(&address_);
  }

  [[nodiscard]] socklen_t size() const { return size_; }

 private:
  sockaddr_storage address_{};
  socklen_t size_ = 0;
  int fd_ = -1;
};

// The bytes of a datagram follow from its number.
void fill(std::uint8_t* at, std::size_t size, std::uint32_t number) {
  std::uint32_t state = number;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    at[i] = static_cast<std::uint8_t>(state >> 24U);
  }
  std::memcpy(at, &number, sizeof number);
}

void take(const std::vector<std::uint8_t>& got, std::size_t size, std::vector<bool>& seen,
          DatagramCount& count) {
  std::uint32_t number = 0;
  std::vector<std::uint8_t> expected(size);
  std::memcpy(&number, got.data(), std::min(got.size(), sizeof number));
  fill(expected.data(), size, number);
  if (got != expected || number >= seen.size() || seen[number]) {
    ++count.wrong;
    return;
  }
  seen[number] = true;
  ++count.arrived;
}

void send_all(const UdpSocket& socket, const DatagramPlan& plan, DatagramCount& count) {
  std::vector<std::uint8_t> buffer(plan.batch * plan.size);
  const auto begin = Clock::now();
  for (std::size_t number = 0; number < plan.count; number += plan.batch) {
    for (std::size_t i = 0; i < plan.batch; ++i) {
      fill(&buffer[i * plan.size], plan.size, static_cast<std::uint32_t>(number + i));
    }
    std::this_thread::sleep_until(begin +
                                  std::chrono::microseconds(1000000ULL * number / plan.per_second));
    const ssize_t sent =
        sendto(socket.get(), buffer.data(), buffer.size(), 0, socket.address(), socket.size());
    if (sent != static_cast<ssize_t>(buffer.size())) {
      count.refused = errno == EIO || errno == EINVAL;
      return;
    }
    count.sent += plan.batch;
  }
}

}  // namespace

DatagramCount send_datagrams(const NetNamespace& from, const NetNamespace& to,
                             const std::string& address, const DatagramPlan& plan) {
  const UdpSocket receiver(to, address);
  const UdpSocket sender(from, address);
  if (bind(receiver.get(), receiver.address(), receiver.size()) != 0) {
    throw std::runtime_error("cannot bind " + address + " in " + to.name());
  }
  const int segment = static_cast<int>(plan.size);
  DatagramCount count;
  if (plan.batch > 1 &&
      setsockopt(sender.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) {
    count.refused = true;
    return count;
  }
  std::atomic<bool> all_sent{false};
  std::thread reader([&] {
    std::vector<bool> seen(plan.count);
    std::vector<std::uint8_t> buffer(1U << 16U);
    auto last = Clock::now();
    while (count.arrived < plan.count && (!all_sent || Clock::now() < last + Seconds(1))) {
      const ssize_t size = recv(receiver.get(), buffer.data(), buffer.size(), 0);
      if (size >= 0) {
        take({buffer.begin(), buffer.begin() + size}, plan.size, seen, count);
        last = Clock::now();
      }
    }
  });
  send_all(sender, plan, count);
  all_sent = true;
  reader.join();
  return count;
}

}  // namespace vtepd::test
