// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/overlay_netns.h"

#include "netlink/netns.h"
#include "netlink/sysctl.h"

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::netlink {

namespace {

bool is_namespace(int fd) {
  struct statfs filesystem {};

  return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == NSFS_MAGIC;
}

// A file to mount over; the folder is the instance's own and is there.
Result<void> make_mount_point(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0400));
  return file.valid() ? Result<void>() : fail_errno(errno, "create " + path);
}

Result<void> bind_mount(const std::string& source, const std::string& path) {
  if (auto made = make_mount_point(path); !made) {
    return made;
  }
  if (::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return fail_errno(errno, "mount the namespace of the overlay networks at " + path);
  }
  return {};
}

// Nothing in it routes or has addresses, and no firewall of the host's looks at bridged frames. A
// new namespace begins with the host's settings of some of these.
Result<void> close_namespace() {
  static constexpr std::array<std::pair<const char*, const char*>, 7> kSettings{
      {{"ipv4/ip_forward", "0"},
       {"ipv6/conf/all/forwarding", "0"},
       {"ipv6/conf/default/accept_ra", "0"},
       {"ipv6/conf/default/disable_ipv6", "1"},
       {"bridge/bridge-nf-call-iptables", "0"},
       {"bridge/bridge-nf-call-ip6tables", "0"},
       {"bridge/bridge-nf-call-arptables", "0"}}};
  for (const auto& [name, value] : kSettings) {
    if (auto set = set_sysctl(name, value); !set) {
      return set;
    }
  }
  return {};
}

Result<void> unshare_and_mount(const std::string& path) {
  if (::unshare(CLONE_NEWNET) != 0) {
    return fail_errno(errno, "make a network namespace for the overlay networks");
  }
  if (auto closed = close_namespace(); !closed) {
    return closed;
  }
  return bind_mount("/proc/thread-self/ns/net", path);
}

}  // namespace

Result<std::optional<OverlayNetns>> OverlayNetns::find(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() && errno != ENOENT) {
    return fail_errno(errno, "open " + path);
  }
  if (!fd.valid() || !is_namespace(fd.get())) {
    return std::nullopt;
  }
  return OverlayNetns(std::move(fd), path);
}

Result<OverlayNetns> OverlayNetns::open_or_create(const std::string& path) {
  auto found = find(path);
  if (!found) {
    return fail(found.error());
  }
  if (*found) {
    if (auto closed = in_netns((*found)->fd(), close_namespace); !closed) {
      return fail(closed.error());
    }
    return std::move(**found);
  }
  Result<void> made = fail(ErrorKind::Internal, "not run");
  std::thread([&] { made = unshare_and_mount(path); }).join();
  if (!made) {
    return fail(made.error());
  }
  found = find(path);
  if (!found || !*found) {
    return fail(found ? Error{ErrorKind::Internal, path + " is not mounted right after it was"}
                      : found.error());
  }
  return std::move(**found);
}

bool OverlayNetns::is_mounted() const {
  struct stat mounted {};

  struct stat held {};

  return ::stat(path_.c_str(), &mounted) == 0 && fstat(fd_.get(), &held) == 0 &&
         mounted.st_dev == held.st_dev && mounted.st_ino == held.st_ino;
}

Result<void> OverlayNetns::mount() const {
  return bind_mount("/proc/self/fd/" + std::to_string(fd_.get()), path_);
}

Result<void> OverlayNetns::remove() {
  if (::umount2(path_.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) {
    return fail_errno(errno, "unmount " + path_);
  }
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, "remove " + path_);
  }
  fd_ = UniqueFd();
  return {};
}

}  // namespace vtepd::netlink
