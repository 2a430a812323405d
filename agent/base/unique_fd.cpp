// SPDX-License-Identifier: GPL-2.0-only
#include "base/unique_fd.h"

#include <unistd.h>

namespace vtepd {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = fd;
}

}  // namespace vtepd
