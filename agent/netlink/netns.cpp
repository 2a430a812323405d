// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/netns.h"

#include <array>
#include <cerrno>
#include <climits>

#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::netlink {

namespace {

// Missing from the headers of older distributions; the value is the same on all but sparc and
// parisc.
constexpr int kSoNetnsCookie = 71;
constexpr const char* kOwnNetns = "/proc/self/ns/net";

bool is_network_namespace(int fd) {
  struct statfs filesystem {};

  if (fstatfs(fd, &filesystem) != 0 || filesystem.f_type != NSFS_MAGIC) {
    return false;
  }
  return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

Result<struct stat> identify(int fd, const std::string& path) {
  struct stat identity {};

  if (fstat(fd, &identity) != 0) {
    return fail_errno(errno, "stat " + path);
  }
  return identity;
}

// The cookie of the calling thread's namespace; 0 where the kernel has none (before 5.14).
Result<std::uint64_t> current_cookie() {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) {
    return fail_errno(errno, "open a socket");
  }
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(socket.get(), SOL_SOCKET, kSoNetnsCookie, &cookie, &size) != 0) {
    return std::uint64_t{0};
  }
  return cookie;
}

}  // namespace

Result<Netns> open_netns(const std::string& path) {
  const std::string what = "network namespace '" + path + "'";
  // O_NONBLOCK: a pipe must not hold the daemon up.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ESRCH) {
      return fail(ErrorKind::NotFound,
                  what +
                      " does not exist; 'ip netns' lists named ones, /proc/PID/ns/net names that "
                      "of a process");
    }
    return fail_errno(errno, "open " + what);
  }
  if (!is_network_namespace(fd.get())) {
    return fail(ErrorKind::Invalid,
                "'" + path +
                    "' is not a network namespace; give a file of /run/netns or "
                    "/proc/PID/ns/net");
  }
  const auto identity = identify(fd.get(), path);
  if (!identity) {
    return fail(identity.error());
  }

  struct stat own {};

  if (::stat(kOwnNetns, &own) != 0) {
    return fail_errno(errno, std::string("stat ") + kOwnNetns);
  }
  auto cookie = in_netns(fd.get(), current_cookie);
  if (!cookie) {
    return fail(cookie.error().context("enter " + what));
  }
  Netns netns;
  netns.fd = std::move(fd);
  netns.cookie = *cookie != 0 ? *cookie : identity->st_ino;
  netns.own = own.st_dev == identity->st_dev && own.st_ino == identity->st_ino;
  return netns;
}

std::string describe(const Netns& netns) {
  const std::string link = "/proc/self/fd/" + std::to_string(netns.fd.get());
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  std::string name = size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "?";
  return (netns.own ? "vtepd's own namespace " : "namespace ") + name;
}

Result<Socket> open_socket(const Netns& netns) {
  if (netns.own) {
    return Socket::open();
  }
  auto socket = in_netns(netns.fd.get(), [] { return Socket::open(); });
  if (!socket) {
    return fail(socket.error().context(describe(netns)));
  }
  return socket;
}

Result<Socket> subscribe(const Netns& netns, const std::vector<int>& groups) {
  if (netns.own) {
    return Socket::subscribe(groups);
  }
  auto socket = in_netns(netns.fd.get(), [&] { return Socket::subscribe(groups); });
  if (!socket) {
    return fail(socket.error().context(describe(netns)));
  }
  return socket;
}

}  // namespace vtepd::netlink
