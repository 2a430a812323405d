// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vtepd::filestore {

// inotify over folders, which are known by their path below the folder `root` ("" is root itself).
class TreeNotify {
 public:
  static Result<TreeNotify> create(std::string root);

  // A folder that is already gone is no error.
  Result<void> add(const std::string& path);

  struct Changes {
    std::vector<std::string> files;    // each once, in the order of their last change
    std::vector<std::string> folders;  // new ones
    bool doubt = false;                // events were lost or folders moved: read everything
  };

  // What was reported since the last call; does not block.
  Changes drain();

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  TreeNotify(UniqueFd fd, std::string root) : fd_(std::move(fd)), root_(std::move(root)) {}

  void take(int watch, std::uint32_t mask, std::string_view name, Changes& changes);

  UniqueFd fd_;
  std::string root_;
  std::unordered_map<int, std::string> paths_;
};

}  // namespace vtepd::filestore
