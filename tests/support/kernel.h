// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sstream>
#include <utility>

#include <sys/utsname.h>

namespace vtepd::test {

// For what the kernel does otherwise since a release and shows nowhere else.
inline bool kernel_is_since(int major, int minor) {
  utsname name{};
  uname(&name);
  std::pair<int, int> running;
  char dot = 0;
  std::istringstream(name.release) >> running.first >> dot >> running.second;
  return running >= std::pair(major, minor);
}

}  // namespace vtepd::test
