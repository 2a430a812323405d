// SPDX-License-Identifier: GPL-2.0-only
#include "bench/streams.h"

#include "bench/core_time.h"
#include "bench/party.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include <sys/socket.h>

namespace vtepd::bench {

namespace {

constexpr std::size_t kBuffer = 128 << 10;
constexpr double kWarmUp = 0.15;  // seconds, until the windows are open

// The threads of a run, and what they share.
struct Streams {
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> received{0};
};

void send_until_told(const End& to, std::atomic<bool>& stopping) {
  const SocketPtr socket = connect_to(to, SOCK_STREAM);
  const std::vector<char> buffer(kBuffer, 'x');
  while (!stopping) {
    if (send(socket->get(), buffer.data(), buffer.size(), MSG_NOSIGNAL) <= 0) {
      throw std::runtime_error("a stream broke off");
    }
  }
}

void receive_to_end(int connection, std::atomic<std::uint64_t>& received) {
  const test::Socket socket(connection);
  std::vector<char> buffer(2 * kBuffer);
  for (ssize_t count = 1; count > 0;) {
    count = recv(socket.get(), buffer.data(), buffer.size(), 0);
    received += static_cast<std::uint64_t>(std::max<ssize_t>(count, 0));
  }
}

StreamResult measure(Streams& streams, double seconds) {
  test::sleep_for(test::Milliseconds(static_cast<int>(kWarmUp * 1000)));
  const std::uint64_t bytes_before = streams.received;
  const double cpu_before = process_busy_seconds();
  const auto begin = test::Clock::now();
  test::sleep_for(test::Milliseconds(static_cast<int>(seconds * 1000)));
  const auto bytes = static_cast<double>(streams.received - bytes_before);
  const double took = std::chrono::duration<double>(test::Clock::now() - begin).count();
  if (bytes < 1e6) {
    throw std::runtime_error("TCP carried " + std::to_string(streams.received) + " bytes");
  }
  return {.bits_per_second = bytes * 8 / took,
          .cpu_s_per_gb = (process_busy_seconds() - cpu_before) / (bytes / 1e9)};
}

}  // namespace

StreamResult run_streams(const StreamPlan& plan) {
  Streams streams;
  SocketPtr listener;
  plan.to.netns->inside([&] { listener = serve_at(plan.to, SOCK_STREAM); });
  const bool pinned = plan.streams == 1;
  std::vector<std::unique_ptr<Party>> parties;
  for (int i = 0; i < plan.streams; ++i) {
    parties.push_back(std::make_unique<Party>(
        *plan.to.netns, pinned ? other_core() : kAnyCore, [&streams, fd = listener->get()] {
          const int connection = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
          if (connection < 0) {
            throw std::runtime_error("no stream arrived");
          }
          receive_to_end(connection, streams.received);
        }));
    parties.push_back(std::make_unique<Party>(
        *plan.from.netns, pinned ? measured_core() : kAnyCore,
        [&streams, to = plan.to] { send_until_told(to, streams.stopping); }));
  }
  std::exception_ptr problem;
  StreamResult result;
  try {
    result = measure(streams, plan.seconds);
  } catch (...) {
    problem = std::current_exception();
  }
  streams.stopping = true;
  for (const auto& party : parties) {
    party->join();
  }
  if (problem) {
    std::rethrow_exception(problem);
  }
  return result;
}

}  // namespace vtepd::bench
