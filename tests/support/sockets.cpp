// SPDX-License-Identifier: GPL-2.0-only
#include "support/sockets.h"

#include <cstring>
#include <stdexcept>

#include <netdb.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr Milliseconds kTimeout = Seconds(10);

}  // namespace

Target resolve(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) {
    throw std::runtime_error("not an address: " + address);
  }
  Target target;
  std::memcpy(&target.address, list->ai_addr, list->ai_addrlen);
  target.size = list->ai_addrlen;
  freeaddrinfo(list);
  return target;
}

Socket::Socket(const NetNamespace& netns, int family, int type, int protocol) {
  netns.inside([&] { fd_ = socket(family, type | SOCK_CLOEXEC, protocol); });
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  limit_waiting();
}

Socket::Socket(int fd) : fd_(fd) {
  limit_waiting();
}

Socket::~Socket() {
  close(fd_);
}

void Socket::limit_waiting() const {
  const timeval limit{scaled(kTimeout).count() / 1000, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void Socket::bind_to(const Target& target) const {
  if (bind(fd_, target.get(), target.size) != 0) {
    throw std::runtime_error(std::string("bind: ") + std::strerror(errno));
  }
}

}  // namespace vtepd::test
