// SPDX-License-Identifier: GPL-2.0-only
#include "config/checks.h"

#include <utility>

namespace vtepd {

namespace {

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

}  // namespace

Complaint check_path(const std::string& value) {
  if (value.empty() || value.front() != '/') {
    return "it must be an absolute path";
  }
  if (value.find('\0') != std::string::npos) {
    return "a path has no NUL";
  }
  return std::nullopt;
}

void read_path(Section& section, std::string_view key, std::string& target) {
  section.string(key, target, check_path);
  target = without_trailing_slashes(std::move(target));
}

}  // namespace vtepd
