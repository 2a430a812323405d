// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/posix.h"

#include "core/types.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include <sys/file.h>
#include <sys/random.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr std::size_t kReadStep = 4096;

// One read for what the size promised, and as many more as it takes: the file may be growing.
bool read_all(int fd, std::size_t expected, std::string& bytes) {
  bytes.resize(expected + 1);
  std::size_t used = 0;
  for (;;) {
    const auto got = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return false;
    }
    used += static_cast<std::size_t>(got);
    if (got == 0 || used < bytes.size()) {
      bytes.resize(used);
      return true;
    }
    bytes.resize(bytes.size() + kReadStep);
  }
}

}  // namespace

std::uint64_t identity_of(const struct stat& status) {
  const std::array<std::uint64_t, 4> parts{status.st_ino,
                                           static_cast<std::uint64_t>(status.st_size),
                                           static_cast<std::uint64_t>(status.st_mtim.tv_sec),
                                           static_cast<std::uint64_t>(status.st_mtim.tv_nsec)};
  return std::max<std::uint64_t>(hash_bytes(parts.data(), sizeof parts), 1);
}

Result<std::optional<FileContent>> read_file(int dir, const std::string& name,
                                             std::string_view shown) {
  // O_NONBLOCK: a FIFO that somebody put there must not hold us.
  const UniqueFd fd(::openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
      return std::optional<FileContent>();
    }
    return fail_errno(errno, "read '" + std::string(shown) + "'");
  }

  struct stat status {};

  if (::fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "read '" + std::string(shown) + "'");
  }
  if (!S_ISREG(status.st_mode)) {
    return std::optional<FileContent>();
  }
  FileContent content{{}, identity_of(status)};
  if (!read_all(fd.get(), static_cast<std::size_t>(status.st_size), content.bytes)) {
    return fail_errno(errno, "read '" + std::string(shown) + "'");
  }
  return std::optional(std::move(content));
}

Result<DirHandle> open_dir(int dir, const std::string& name, std::string_view shown) {
  UniqueFd fd(
      ::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
    return DirHandle();
  }
  DirHandle handle(fd.valid() ? ::fdopendir(fd.get()) : nullptr);
  if (!handle) {
    return fail_errno(errno, "read the folder '" + std::string(shown) + "'");
  }
  static_cast<void>(fd.release());  // the stream owns it
  return handle;
}

Error write_error(int number, std::string_view shown) {
  auto error = Error::from_errno(number, "write '" + std::string(shown) + "'");
  if (number == ENOSPC || number == EDQUOT) {
    error.what += "; the old value stays; make room on that file system and try again";
  } else if (number == EROFS) {
    error.what += "; the old value stays; remount the file system writable";
  } else if (number == EACCES || number == EPERM) {
    error.what += "; the store's folder must belong to the user that runs this";
  }
  return error;
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view shown) {
  while (!bytes.empty()) {
    const auto done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done < 0) {
      return fail(write_error(errno, shown));
    }
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Result<void> sync_fd(int fd, std::string_view shown) {
  if (::fsync(fd) != 0) {
    return fail(write_error(errno, shown));
  }
  return {};
}

Result<std::uint64_t> write_file(int dir, const std::string& name, std::string_view bytes,
                                 std::string_view shown) {
  const UniqueFd fd(
      ::openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!fd.valid()) {
    return fail(write_error(errno, shown));
  }
  auto written = write_all(fd.get(), bytes, shown);
  if (written) {
    written = sync_fd(fd.get(), shown);
  }

  struct stat status {};

  if (written && ::fstat(fd.get(), &status) != 0) {
    written = fail(write_error(errno, shown));
  }
  if (!written) {
    ::unlinkat(dir, name.c_str(), 0);
    return fail(written.error());
  }
  return identity_of(status);
}

Result<void> lock_file(int fd, std::chrono::milliseconds patience, std::string_view shown) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::chrono::microseconds pause = 50us;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail_errno(errno, "lock '" + std::string(shown) + "'");
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(ErrorKind::Unavailable,
                  "lock '" + std::string(shown) + "': held by another process for " +
                      std::to_string(patience.count()) + " ms; 'fuser -v' on that file names it");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::microseconds>(pause * 2, 2ms);
  }
  return {};
}

void unlock_file(int fd) {
  ::flock(fd, LOCK_UN);
}

std::string random_hex(std::size_t digits) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  while (text.size() < digits) {
    std::array<unsigned char, 32> bytes{};
    // Cannot fail for up to 256 bytes once the system has booted.
    static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));
    for (const auto byte : bytes) {
      text += kDigits[byte >> 4U];
      text += kDigits[byte & 15U];
    }
  }
  text.resize(digits);
  return text;
}

}  // namespace vtepd::filestore
