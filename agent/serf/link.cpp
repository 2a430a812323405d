// SPDX-License-Identifier: GPL-2.0-only
#include "serf/link.h"

#include "serf/encode.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include <poll.h>

namespace vtepd::serf {

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress to_socket_address(const RpcAddress& rpc) {
  SocketAddress result;
  if (rpc.address.is_v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(rpc.port);
    four.sin_addr.s_addr = htonl(rpc.address.to_v4());
    result.size = sizeof four;
    std::memcpy(&result.storage, &four, sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(rpc.port);
    std::memcpy(&six.sin6_addr, rpc.address.bytes.data(), rpc.address.bytes.size());
    result.size = sizeof six;
    std::memcpy(&result.storage, &six, sizeof six);
  }
  return result;
}

}  // namespace

std::string RpcAddress::to_string() const {
  const std::string host = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  return host + ":" + std::to_string(port);
}

Result<std::unique_ptr<Link>> Link::open(const Options& options, Clock::time_point now) {
  const std::string name = "serf agent at " + options.rpc.to_string();
  const auto address = to_socket_address(options.rpc);
  UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return fail_errno(errno, name + ": socket");
  }
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd.get(), generic, address.size) != 0 && errno != EINPROGRESS) {
    return fail_errno(errno, name + ": connect");
  }
  return std::unique_ptr<Link>(new Link(std::move(fd), options, now));
}

Link::Link(UniqueFd fd, const Options& options, Clock::time_point now)
    : fd_(std::move(fd)),
      session_(options.on_malformed),
      name_("serf agent at " + options.rpc.to_string()) {
  const auto ask = [&](const char* command, std::string body) {
    Session::Request request;
    request.command = command;
    request.body = std::move(body);
    request.timeout = options.timeout;
    // What the agent does not like here ends the connection.
    request.reply = [](const Result<Session::Reply>&) {};
    session_.send(std::move(request), now);
  };
  ask("handshake", handshake_body());
  if (!options.key.empty()) {
    ask("auth", auth_body(options.key));
  }
}

Link::~Link() {
  session_.end({ErrorKind::Unavailable, name_ + ": the connection is closed"});
}

short Link::wanted() const {
  return static_cast<short>(POLLIN | (session_.output().empty() ? 0 : POLLOUT));
}

Result<void> Link::work(short events, Clock::time_point now) {
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (auto done = read(); !done) {
      return fail(done.error().context(name_));
    }
  }
  if ((events & POLLOUT) != 0) {
    connected_ = true;
    if (auto done = write(); !done) {
      return fail(done.error().context(name_));
    }
  }
  if (session_.check(now)) {
    return {};
  }
  // It is us who slept if the answer is there.
  if (auto done = read(); !done) {
    return fail(done.error().context(name_));
  }
  const auto checked = session_.check(now);
  return checked ? checked : fail(checked.error().context(name_));
}

Result<void> Link::read() {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (count == 0) {
      return fail(ErrorKind::Unavailable, "the agent closed the connection");
    }
    if (count < 0) {
      const bool later = errno == EAGAIN || errno == EINTR;
      return later ? Result<void>() : fail_errno(errno, connected_ ? "read" : "connect");
    }
    if (auto taken = session_.receive({buffer.data(), static_cast<std::size_t>(count)}); !taken) {
      return taken;
    }
    if (static_cast<std::size_t>(count) < buffer.size()) {
      return {};
    }
  }
}

Result<void> Link::write() {
  const auto bytes = session_.output();
  if (bytes.empty()) {
    return {};
  }
  const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0) {
    const bool later = errno == EAGAIN || errno == EINTR;
    return later ? Result<void>() : fail_errno(errno, "write");
  }
  session_.sent(static_cast<std::size_t>(count));
  return {};
}

}  // namespace vtepd::serf
