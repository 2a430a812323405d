// SPDX-License-Identifier: GPL-2.0-only
#include "api/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <unistd.h>

namespace vtepd {

namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kSocketMode = 0600;
constexpr int kBacklog = 64;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::Invalid, "socket path '" + path + "' is empty or too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int connect_to(int fd, const sockaddr_un& address) {
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Result<void> make_folders(const std::string& folder) {
  for (std::size_t end = folder.find('/', 1);; end = folder.find('/', end + 1)) {
    const auto part = folder.substr(0, end);
    if (mkdir(part.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return fail_errno(errno, "make folder " + part);
    }
    if (end == std::string::npos) {
      return {};
    }
  }
}

// Whoever may write to the folder may put a socket of his own there.
Result<void> ensure_folder(const std::string& folder) {
  struct stat status {};

  if (stat(folder.c_str(), &status) != 0) {
    return errno == ENOENT ? make_folders(folder) : fail_errno(errno, folder);
  }
  if (!S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::Conflict, folder + " is no folder");
  }
  const bool others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (others && (status.st_mode & S_ISVTX) == 0) {
    return fail(ErrorKind::Denied, folder + " is writable for others; run: chmod go-w " + folder);
  }
  return {};
}

// Makes way for a new socket.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};

  if (lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>() : fail_errno(errno, path);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(ErrorKind::Conflict, path + " exists and is no socket; remove it");
  }
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) {
    return fail_errno(errno, "make a socket");
  }
  if (connect_to(probe.get(), address) == 0 || errno == EAGAIN) {
    return fail(ErrorKind::Conflict, "another daemon serves " + path);
  }
  if (errno != ECONNREFUSED) {
    return fail_errno(errno, "connect to " + path);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, "remove stale socket " + path);
  }
  return {};
}

}  // namespace

Result<UniqueFd> listen_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) {
    return fail(address.error());
  }
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    if (const auto folder = ensure_folder(path.substr(0, slash)); !folder) {
      return fail(folder.error());
    }
  }
  if (const auto free = remove_stale(path, *address); !free) {
    return fail(free.error());
  }
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return fail_errno(errno, "make a socket");
  }
  // The mode set before bind() is the one the path is made with: there is no moment in between.
  if (fchmod(fd.get(), kSocketMode) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      listen(fd.get(), kBacklog) != 0) {
    return fail_errno(errno, "listen on " + path);
  }
  return fd;
}

BoundPath::BoundPath(std::string path) : path_(std::move(path)) {
  struct stat status {};

  if (lstat(path_.c_str(), &status) == 0) {
    inode_ = status.st_ino;
    device_ = status.st_dev;
  }
}

BoundPath::BoundPath(BoundPath&& other) noexcept
    : path_(std::exchange(other.path_, {})), inode_(other.inode_), device_(other.device_) {}

BoundPath& BoundPath::operator=(BoundPath&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(inode_, other.inode_);
  std::swap(device_, other.device_);
  return *this;
}

BoundPath::~BoundPath() {
  struct stat status {};

  if (!path_.empty() && lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_ &&
      status.st_dev == device_) {
    unlink(path_.c_str());
  }
}

}  // namespace vtepd
