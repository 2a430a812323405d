// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include <dirent.h>

namespace vtepd::filestore {

struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

using DirHandle = std::unique_ptr<DIR, CloseDir>;

// What tells one version of a file from the next without reading it: inode, size and time of the
// last change, folded into 64 bits. 0 is no file.
[[nodiscard]] std::uint64_t identity_of(const struct stat& status);

struct FileContent {
  std::string bytes;
  std::uint64_t identity = 0;
};

// Empty optional: there is no such file, or it is not a regular one.
Result<std::optional<FileContent>> read_file(int dir, const std::string& name,
                                             std::string_view shown);

// A directory stream of its own position; name "." for the directory itself. Null if there is no
// such folder.
Result<DirHandle> open_dir(int dir, const std::string& name, std::string_view shown);

// Writes and syncs a new file; nothing stays behind when it fails.
Result<std::uint64_t> write_file(int dir, const std::string& name, std::string_view bytes,
                                 std::string_view shown);

Result<void> write_all(int fd, std::string_view bytes, std::string_view shown);
Result<void> sync_fd(int fd, std::string_view shown);

// What a person is told when a write fails: Error::from_errno, and what to do about it.
[[nodiscard]] Error write_error(int number, std::string_view shown);

// An exclusive lock on an open file description: it excludes other processes and other descriptions
// of this one. The kernel frees it when the process ends. Tries until the time is over.
Result<void> lock_file(int fd, std::chrono::milliseconds patience, std::string_view shown);
void unlock_file(int fd);

[[nodiscard]] std::string random_hex(std::size_t digits);

}  // namespace vtepd::filestore
