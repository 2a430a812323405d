// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cerrno>

#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::test {

// Leaves a chroot: to the root of the mount namespace, which becomes the working directory.
inline bool leave_chroot(int root) {
  struct stat here {};

  struct stat above {};

  // With the root elsewhere, nothing stops the way up.
  if (chroot("/proc") != 0 || fchdir(root) != 0) {
    return false;
  }
  do {
    if (stat(".", &here) != 0 || chdir("..") != 0 || stat(".", &above) != 0) {
      return false;
    }
  } while (here.st_ino != above.st_ino || here.st_dev != above.st_dev);
  return true;
}

// A new mount namespace for this process, whose mounts nobody else sees. Where tests run in a
// chroot, its root is mostly no mount point and cannot be made private; what it lies on can.
inline bool private_mounts() {
  if (unshare(CLONE_NEWNS) != 0) {
    return false;
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
    return true;
  }
  const int root = errno == EINVAL ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  if (root < 0) {
    return false;
  }
  const bool done = leave_chroot(root) &&
                    mount(nullptr, ".", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                    fchdir(root) == 0 && chroot(".") == 0;
  close(root);
  return done;
}

}  // namespace vtepd::test
