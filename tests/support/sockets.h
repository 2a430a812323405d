// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <cstdint>
#include <string>

#include <sys/socket.h>

namespace vtepd::test {

// An address and port, IPv4 or IPv6.
struct Target {
  sockaddr_storage address{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }

  [[nodiscard]] int family() const { return address.ss_family; }
};

// Throws unless it is one.
Target resolve(const std::string& address, std::uint16_t port);

// A socket of a namespace that gives up after 10 s, closed at the end.
class Socket {
 public:
  Socket(const NetNamespace& netns, int family, int type, int protocol = 0);
  explicit Socket(int fd);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int get() const { return fd_; }

  void bind_to(const Target& target) const;  // throws if that is refused

 private:
  void limit_waiting() const;

  int fd_ = -1;
};

}  // namespace vtepd::test
