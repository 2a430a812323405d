// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/subject.h"
#include "support/sockets.h"

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <thread>

namespace vtepd::bench {

inline constexpr int kAnyCore = -1;
inline constexpr std::uint16_t kServerPort = 7700;

// Work in a namespace, on a thread of its own that is bound to a core.
class Party {
 public:
  Party(const test::NetNamespace& netns, int core, std::function<void()> work);
  ~Party();
  Party(const Party&) = delete;
  Party& operator=(const Party&) = delete;

  void join();  // throws what the work threw

 private:
  std::exception_ptr problem_;
  std::thread thread_;
};

using SocketPtr = std::unique_ptr<test::Socket>;

// A socket of the calling thread's namespace, connected to the port at the end. Throws.
[[nodiscard]] SocketPtr connect_to(const End& end, int type, std::uint16_t port = kServerPort);
// One that is bound there, and listens if it is of SOCK_STREAM. Throws.
[[nodiscard]] SocketPtr serve_at(const End& end, int type, std::uint16_t port = kServerPort);

}  // namespace vtepd::bench
