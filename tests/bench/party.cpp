// SPDX-License-Identifier: GPL-2.0-only
#include "bench/party.h"

#include "bench/core_time.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace vtepd::bench {

namespace {

constexpr int kBacklog = 128;

int open_socket(int type) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  }
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (type == SOCK_STREAM) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fd;
}

}  // namespace

Party::Party(const test::NetNamespace& netns, int core, std::function<void()> work)
    : thread_([this, &netns, core, work = std::move(work)] {
        try {
          netns.inside([&] {
            if (core != kAnyCore) {
              pin_to(core);
            }
            work();
          });
        } catch (...) {
          problem_ = std::current_exception();
        }
      }) {}

Party::~Party() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Party::join() {
  thread_.join();
  if (problem_) {
    std::rethrow_exception(std::exchange(problem_, nullptr));
  }
}

SocketPtr connect_to(const End& end, int type, std::uint16_t port) {
  auto socket = std::make_unique<test::Socket>(open_socket(type));
  const test::Target target = test::resolve(end.address, port);
  if (connect(socket->get(), target.get(), target.size) != 0) {
    throw std::runtime_error("connect to " + end.address + ": " + std::strerror(errno));
  }
  return socket;
}

SocketPtr serve_at(const End& end, int type, std::uint16_t port) {
  auto socket = std::make_unique<test::Socket>(open_socket(type));
  socket->bind_to(test::resolve(end.address, port));
  if (type == SOCK_STREAM && listen(socket->get(), kBacklog) != 0) {
    throw std::runtime_error("listen at " + end.address + ": " + std::strerror(errno));
  }
  return socket;
}

}  // namespace vtepd::bench
