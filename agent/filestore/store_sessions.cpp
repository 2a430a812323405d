// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/posix.h"
#include "filestore/store_core.h"

#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

constexpr std::size_t kIdDigits = 32;
constexpr mode_t kFileMode = 0600;
constexpr std::chrono::milliseconds kPatience{1000};

}  // namespace

// Made and locked under the store's lock, so that nobody sees the file before it is held.
Result<UniqueFd> StoreCore::begin_session(std::string& id) {
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  id = random_hex(kIdDigits);
  const auto shown = dir_.shown(".vtepd/sessions/" + id);
  UniqueFd fd(
      ::openat(dir_.sessions(), id.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!fd.valid()) {
    return fail(write_error(errno, shown));
  }
  if (auto held = lock_file(fd.get(), kPatience, shown); !held) {
    ::unlinkat(dir_.sessions(), id.c_str(), 0);
    return fail(held.error());
  }
  return fd;
}

// The probe's own lock ends with its descriptor.
bool StoreCore::session_lives(const std::string& id) {
  const UniqueFd fd(::openat(dir_.sessions(), id.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  return fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

Result<void> StoreCore::reap_holder_of(std::string_view path) {
  const auto held = table_.sessions().find(path);
  if (held == table_.sessions().end()) {
    return {};
  }
  const auto id = held->second;
  return session_lives(id) ? Result<void>() : reap(id);
}

// Only versions that the session wrote: a file that somebody replaced is theirs.
Result<void> StoreCore::reap(const std::string& id) {
  std::vector<std::string> paths;
  for (const auto& [path, session] : table_.sessions()) {
    if (session == id) {
      paths.push_back(path);
    }
  }
  for (const auto& path : paths) {
    struct stat status {};

    const bool there = ::fstatat(dir_.kv(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    const auto* entry = table_.find(path);
    if (there && entry != nullptr && entry->identity == identity_of(status)) {
      if (auto removed = remove_file(path); !removed) {
        return removed;
      }
    } else {
      record(JournalRecord::Kind::Erase, path, 0, {});
    }
  }
  if (auto flushed = flush(); !flushed) {
    return flushed;
  }
  if (::unlinkat(dir_.sessions(), id.c_str(), 0) != 0 && errno != ENOENT) {
    return fail(write_error(errno, dir_.shown(".vtepd/sessions/" + id)));
  }
  return {};
}

Result<void> StoreCore::reap_sessions() {
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  std::set<std::string> ids;
  auto dir = open_dir(dir_.sessions(), ".", dir_.shown(".vtepd/sessions"));
  if (!dir) {
    return fail(dir.error());
  }
  for (const dirent* entry = nullptr; *dir && (entry = ::readdir(dir->get())) != nullptr;) {
    if (entry->d_name[0] != '.') {
      ids.emplace(entry->d_name);
    }
  }
  for (const auto& [path, session] : table_.sessions()) {
    ids.insert(session);
  }
  for (const auto& id : ids) {
    if (session_lives(id)) {
      continue;
    }
    if (auto reaped = reap(id); !reaped) {
      return reaped;
    }
  }
  return {};
}

}  // namespace vtepd::filestore
