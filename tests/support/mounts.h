// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cerrno>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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

inline bool same_folder(int one, int other) {
  struct stat first {};

  struct stat second {};

  return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// Makes what was a chroot the root of this mount namespace. Expects to stand in its present root.
inline bool pivot_to(int root) {
  const unsigned flags = AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const int tree = open_tree(root, "", flags);
  const unsigned both = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return tree >= 0 && move_mount(tree, "", root, "", both) == 0 && fchdir(tree) == 0 &&
         syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0;
}

// A new mount namespace whose root is what the caller has as its root. A chroot is not enough for a
// program that starts containers: pivot_root refuses in one, and who enters the mount namespace
// later comes out at its root. For a process that is about to exec.
inline bool own_root() {
  if (!private_mounts()) {
    return false;
  }
  const int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || !leave_chroot(root) || chroot(".") != 0) {
    return false;
  }
  const int top = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return (same_folder(top, root) || pivot_to(root)) && chdir("/") == 0;
}

}  // namespace vtepd::test
