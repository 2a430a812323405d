// SPDX-License-Identifier: GPL-2.0-only
#include "bench/requests.h"

#include "bench/core_time.h"
#include "bench/party.h"
#include "bench/statistics.h"

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include <sys/socket.h>

#include <poll.h>

namespace vtepd::bench {

namespace {

constexpr std::size_t kSize = 64;
constexpr int kWarmUp = 200;  // round trips
constexpr int kPollMs = 20;

using Message = std::array<char, kSize>;

bool is_readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, kPollMs) > 0;
}

// Sends back what comes on a connection, until it ends or the client is done.
void echo(int fd, const std::atomic<bool>& done) {
  Message message{};
  while (!done) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t count = recvfrom(fd, message.data(), message.size(), 0, address, &size);
    if (count <= 0) {
      return;
    }
    sendto(fd, message.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL,
           size == 0 ? nullptr : address, size);
  }
}

void exchange(int fd) {
  Message message{};
  if (send(fd, message.data(), message.size(), MSG_NOSIGNAL) != kSize ||
      recv(fd, message.data(), message.size(), MSG_WAITALL) != kSize) {
    throw std::runtime_error("an answer is missing");
  }
}

double microseconds(test::Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::vector<double> time_exchanges(int fd, double seconds) {
  for (int i = 0; i < kWarmUp; ++i) {
    exchange(fd);
  }
  std::vector<double> times;
  const auto end = test::Clock::now() + std::chrono::duration<double>(seconds);
  for (auto before = test::Clock::now(); before < end;) {
    exchange(fd);
    const auto after = test::Clock::now();
    times.push_back(microseconds(after - before));
    before = after;
  }
  return times;
}

// A server at `to` for as long as the client works.
void with_server(const End& from, const End& to, int type, const std::function<void(int)>& serve,
                 std::atomic<bool>& done, const std::function<void()>& ask) {
  SocketPtr socket;
  to.netns->inside([&] { socket = serve_at(to, type); });
  Party server(*to.netns, other_core(), [&] {
    while (!done) {
      if (is_readable(socket->get())) {
        serve(socket->get());
      }
    }
  });
  Party client(*from.netns, measured_core(), ask);
  std::exception_ptr problem;
  try {
    client.join();
  } catch (...) {
    problem = std::current_exception();
  }
  done = true;
  if (type == SOCK_DGRAM) {
    shutdown(socket->get(), SHUT_RD);  // wakes whoever waits for a datagram
  }
  server.join();
  if (problem) {
    std::rethrow_exception(problem);
  }
}

}  // namespace

RoundTrips run_round_trips(const End& from, const End& to, int type, double seconds) {
  std::vector<double> times;
  std::atomic<bool> done{false};
  const auto serve = [&](int fd) {
    if (type == SOCK_DGRAM) {
      echo(fd, done);
      return;
    }
    const test::Socket connection(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
    echo(connection.get(), done);
  };
  with_server(from, to, type, serve, done, [&] {
    const SocketPtr socket = connect_to(to, type);
    times = time_exchanges(socket->get(), seconds);
  });
  return {.p50_us = percentile(times, 0.5), .p99_us = percentile(times, 0.99)};
}

double run_connections(const End& from, const End& to, double seconds) {
  std::uint64_t made = 0;
  double took = 0;
  std::atomic<bool> done{false};
  const auto serve = [&](int fd) {
    const test::Socket connection(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
    echo(connection.get(), done);
  };
  with_server(from, to, SOCK_STREAM, serve, done, [&] {
    const auto begin = test::Clock::now();
    do {
      const SocketPtr socket = connect_to(to, SOCK_STREAM);
      // Reset instead of a close that would keep the port for a minute.
      const linger reset{1, 0};
      setsockopt(socket->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      exchange(socket->get());
      ++made;
      took = std::chrono::duration<double>(test::Clock::now() - begin).count();
    } while (took < seconds);
  });
  return static_cast<double>(made) / took;
}

}  // namespace vtepd::bench
