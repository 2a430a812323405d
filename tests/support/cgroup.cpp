// SPDX-License-Identifier: GPL-2.0-only
#include "support/cgroup.h"

#include "support/netns.h"

#include <filesystem>
#include <stdexcept>
#include <vector>

#include <sys/mount.h>

#include <unistd.h>

namespace vtepd::test {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> groups_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored)) {
      found.push_back(entry.path());
    }
  }
  return found;
}

// Only folders can be taken away; the files of a group go with it.
bool remove_group(const fs::path& group) {
  for (const fs::path& inner : groups_in(group)) {
    remove_group(inner);
  }
  return rmdir(group.c_str()) == 0;
}

}  // namespace

const std::string& cgroup_mount() {
  static const std::string target = [] {
    std::string path = lab_folder() + "/cgroup2";
    fs::create_directories(path);
    if (mount("cgroup2", path.c_str(), "cgroup2", 0, nullptr) != 0) {
      throw std::runtime_error("cannot mount cgroup2 at " + path);
    }
    return path;
  }();
  return target;
}

void remove_cgroups(const std::string& mount, const std::string& prefix) {
  for (const fs::path& group : groups_in(mount)) {
    if (group.filename().string().starts_with(prefix)) {
      wait_until([&] { return remove_group(group); }, Seconds(5));
    }
  }
}

}  // namespace vtepd::test
