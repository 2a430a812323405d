// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace vtepd::test {

// A map that a daemon pinned, to be looked at from the first try on: a dump takes too long to tell
// when something came.
class PinnedMap {
 public:
  explicit PinnedMap(const std::string& path);  // throws if it is not there
  ~PinnedMap();
  PinnedMap(const PinnedMap&) = delete;
  PinnedMap& operator=(const PinnedMap&) = delete;

  // `key` points to as many bytes as the map's keys have; values are up to 256 bytes.
  [[nodiscard]] bool has(const void* key) const;

 private:
  int fd_ = -1;
};

}  // namespace vtepd::test
