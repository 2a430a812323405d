// SPDX-License-Identifier: GPL-2.0-only
#include "state/instance_lock.h"

#include "state/durable_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd {

namespace {

struct AbstractName {
  sockaddr_un address{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API
    return reinterpret_cast<const sockaddr*>(&address);
  }
};

AbstractName name_of(std::uint16_t port) {
  const std::string name = "vtepd/port/" + std::to_string(port);
  AbstractName result;
  result.address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), std::next(std::begin(result.address.sun_path)));
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return result;
}

// "instance default, pid 123", as the holder itself says; it may be too busy to answer.
std::string ask_holder(const AbstractName& name) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::array<char, 128> text{};
  if (::connect(socket.get(), name.get(), name.length) != 0 ||
      ::recv(socket.get(), text.data(), text.size() - 1, 0) <= 0) {
    return "a vtepd that does not answer";
  }
  return text.data();
}

}  // namespace

Result<InstanceLock> InstanceLock::acquire_instance(const std::string& run_folder,
                                                    const std::string& instance) {
  const std::string folder = run_folder + "/" + instance;
  if (const auto made = make_folder(folder); !made) {
    return fail(made.error());
  }
  const std::string path = folder + "/lock";
  InstanceLock lock;
  lock.instance_ = instance;
  lock.file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.file_.valid()) {
    return fail_errno(errno, "open " + path);
  }
  if (::flock(lock.file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return fail_errno(errno, "lock " + path);
    }
    std::array<char, 16> pid{};
    const auto size = ::pread(lock.file_.get(), pid.data(), pid.size() - 1, 0);
    const std::string holder(pid.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return fail(ErrorKind::Conflict, "instance '" + instance + "' is running already with pid " +
                                         holder.substr(0, holder.find('\n')) +
                                         "; stop it first, or choose another instance name");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.file_.get(), 0) != 0 ||
      ::pwrite(lock.file_.get(), pid.data(), pid.size(), 0) < 0) {
    return fail_errno(errno, "write " + path);
  }
  return lock;
}

Result<void> InstanceLock::acquire_port(std::uint16_t port) {
  const auto name = name_of(port);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::bind(socket.get(), name.get(), name.length) != 0) {
    if (errno != EADDRINUSE) {
      return fail_errno(errno, "claim UDP port " + std::to_string(port));
    }
    return fail(ErrorKind::Conflict,
                "UDP port " + std::to_string(port) + " of this network namespace belongs to " +
                    ask_holder(name) + "; one instance per port and network namespace");
  }
  if (::listen(socket.get(), 4) != 0) {
    return fail_errno(errno, "claim UDP port " + std::to_string(port));
  }
  port_ = std::move(socket);
  return {};
}

void InstanceLock::answer() const {
  const UniqueFd peer(::accept4(port_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (peer.valid()) {
    const std::string text = "instance '" + instance_ + "' with pid " + std::to_string(::getpid());
    (void)::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
}

}  // namespace vtepd
