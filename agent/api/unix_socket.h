// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <string>

namespace vtepd {

// Listens on a Unix stream socket of mode 0600. Makes the folder (0700) if it is missing and
// refuses one that others may write to. A socket without a server behind it is replaced; one with
// a server, or something that is no socket, is a Conflict.
Result<UniqueFd> listen_unix(const std::string& path);

// Removes the path if it still is the socket that this descriptor was bound to, and not that of a
// successor.
class BoundPath {
 public:
  BoundPath() = default;
  explicit BoundPath(std::string path);
  BoundPath(BoundPath&& other) noexcept;
  BoundPath& operator=(BoundPath&& other) noexcept;
  BoundPath(const BoundPath&) = delete;
  BoundPath& operator=(const BoundPath&) = delete;
  ~BoundPath();

 private:
  std::string path_;
  unsigned long long inode_ = 0;
  unsigned long long device_ = 0;
};

}  // namespace vtepd
