// SPDX-License-Identifier: GPL-2.0-only
#include "support/traffic.h"

#include "support/sockets.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

namespace vtepd::test {

namespace {

constexpr std::uint16_t kPort = 7777;

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
  const Target target = resolve(address, kPort);
  const auto data = pattern(bytes);
  const Socket listener(to, target.family(), SOCK_STREAM);
  if (bind(listener.get(), target.get(), target.size) != 0 || listen(listener.get(), 1) != 0) {
    throw std::runtime_error("cannot listen at " + address + " in " + to.name());
  }
  std::size_t arrived = 0;
  std::thread receiver([&] {
    const int fd = accept(listener.get(), nullptr, nullptr);
    if (fd >= 0) {
      const Socket connection(fd);
      arrived = receive_and_compare(fd, data);
    }
  });
  const Socket sender(from, target.family(), SOCK_STREAM);
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
  const Target target = resolve(address, kPort);
  const auto data = pattern(bytes);
  const Socket server(to, target.family(), SOCK_DGRAM);
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
  const Socket client(from, target.family(), SOCK_DGRAM);
  sendto(client.get(), data.data(), data.size(), 0, target.get(), target.size);
  std::vector<std::uint8_t> back(1U << 16U);
  const ssize_t count = recv(client.get(), back.data(), back.size(), 0);
  echo.join();
  back.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return back == data;
}

}  // namespace vtepd::test
