// SPDX-License-Identifier: GPL-2.0-only
#include "support/traffic.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include <netdb.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr const char* kPort = "7777";
constexpr int kTimeoutSeconds = 10;

struct Target {
  sockaddr_storage address{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Target resolve(const std::string& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (getaddrinfo(address.c_str(), kPort, &hints, &list) != 0) {
    throw std::runtime_error("not an address: " + address);
  }
  Target target;
  std::memcpy(&target.address, list->ai_addr, list->ai_addrlen);
  target.size = list->ai_addrlen;
  freeaddrinfo(list);
  return target;
}

// A socket of a namespace that gives up after a while, closed at the end.
class Socket {
 public:
  Socket(const NetNamespace& netns, int family, int type) {
    netns.inside([&] { fd_ = socket(family, type | SOCK_CLOEXEC, 0); });
    const timeval limit{kTimeoutSeconds, 0};
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }

  explicit Socket(int fd) : fd_(fd) {}

  ~Socket() { close(fd_); }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

std::vector<std::uint8_t> pattern(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  return bytes;
}

void send_all(int fd, const std::vector<std::uint8_t>& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) {
      break;
    }
    sent += static_cast<std::size_t>(count);
  }
  shutdown(fd, SHUT_WR);
}

std::size_t receive_and_compare(int fd, const std::vector<std::uint8_t>& expected) {
  std::vector<std::uint8_t> got;
  std::array<std::uint8_t, 1U << 16U> buffer{};
  while (true) {
    const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      break;
    }
    got.insert(got.end(), buffer.begin(), buffer.begin() + count);
  }
  const auto end = got.begin() + static_cast<std::ptrdiff_t>(std::min(got.size(), expected.size()));
  const auto same = std::mismatch(got.begin(), end, expected.begin()).first - got.begin();
  return got.size() > expected.size() ? 0 : static_cast<std::size_t>(same);
}

}  // namespace

std::size_t tcp_transfer(const NetNamespace& from, const NetNamespace& to,
                         const std::string& address, std::size_t bytes) {
  const Target target = resolve(address);
  const auto data = pattern(bytes);
  const Socket listener(to, target.address.ss_family, SOCK_STREAM);
  if (bind(listener.get(), target.get(), target.size) != 0 || listen(listener.get(), 1) != 0) {
    throw std::runtime_error("cannot listen at " + address + " in " + to.name());
  }
  std::size_t arrived = 0;
  std::thread receiver([&] {
    const int fd = accept(listener.get(), nullptr, nullptr);
    if (fd >= 0) {
      const Socket connection(fd);
      const timeval limit{kTimeoutSeconds, 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      arrived = receive_and_compare(fd, data);
    }
  });
  const Socket sender(from, target.address.ss_family, SOCK_STREAM);
  if (connect(sender.get(), target.get(), target.size) == 0) {
    send_all(sender.get(), data);
  } else {
    shutdown(listener.get(), SHUT_RDWR);
  }
  receiver.join();
  return arrived;
}

bool udp_echo(const NetNamespace& from, const NetNamespace& to, const std::string& address,
              std::size_t bytes) {
  const Target target = resolve(address);
  const auto data = pattern(bytes);
  const Socket server(to, target.address.ss_family, SOCK_DGRAM);
  if (bind(server.get(), target.get(), target.size) != 0) {
    throw std::runtime_error("cannot bind " + address + " in " + to.name());
  }
  std::thread echo([&] {
    std::vector<std::uint8_t> buffer(1U << 16U);
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    auto* peer_address = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t count =
        recvfrom(server.get(), buffer.data(), buffer.size(), 0, peer_address, &size);
    if (count >= 0) {
      sendto(server.get(), buffer.data(), static_cast<std::size_t>(count), 0, peer_address, size);
    }
  });
  const Socket client(from, target.address.ss_family, SOCK_DGRAM);
  sendto(client.get(), data.data(), data.size(), 0, target.get(), target.size);
  std::vector<std::uint8_t> back(1U << 16U);
  const ssize_t count = recv(client.get(), back.data(), back.size(), 0);
  echo.join();
  back.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return back == data;
}

}  // namespace vtepd::test
