// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_names.h"
#include "filestore/posix.h"
#include "filestore/store_core.h"

#include <cerrno>
#include <utility>

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

constexpr mode_t kDirMode = 0700;

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

// Index of the version that is there now, 0 if there is none.
Result<std::uint64_t> StoreCore::current_index(const std::string& path) {
  struct stat status {};

  if (::fstatat(dir_.kv(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::uint64_t{0};
    }
    return fail_errno(errno, "read '" + dir_.shown("kv/" + path) + "'");
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::Conflict, "'" + dir_.shown("kv/" + path) +
                                         "' is not a regular file; remove it to free the key");
  }
  return index_of(path, identity_of(status));
}

// The journal is written before the file is moved into place. A crash in between leaves the old
// value under a new index; the other way round a session's key could lose its session.
Result<bool> StoreCore::put(const std::string& key, const std::string& value,
                            std::uint64_t expected, std::string_view session) {
  const auto path = path_of_key(key);
  if (!path) {
    return fail(path.error());
  }
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  if (auto reaped = reap_holder_of(*path); !reaped) {
    return fail(reaped.error());
  }
  const auto current = current_index(*path);
  if (!current) {
    return fail(current.error());
  }
  if (*current != expected) {
    if (auto flushed = flush(); !flushed) {
      return fail(flushed.error());
    }
    return false;
  }
  const auto name = "put." + std::to_string(::getpid()) + "." + std::to_string(++temporary_);
  const auto identity = write_file(dir_.tmp(), name, value, dir_.shown("kv/" + *path));
  if (!identity) {
    return fail(identity.error());
  }
  record(JournalRecord::Kind::Put, *path, *identity, session);
  auto done = flush();
  if (done) {
    done = move_into_place(name, *path);
  }
  if (!done) {
    ::unlinkat(dir_.tmp(), name.c_str(), 0);
    return fail(done.error());
  }
  return true;
}

Result<void> StoreCore::move_into_place(const std::string& name, const std::string& path) {
  int moved = ::renameat(dir_.tmp(), name.c_str(), dir_.kv(), path.c_str());
  if (moved != 0 && errno == ENOENT) {
    if (auto made = make_parents(path); !made) {
      return made;
    }
    moved = ::renameat(dir_.tmp(), name.c_str(), dir_.kv(), path.c_str());
  }
  if (moved != 0) {
    return fail(write_error(errno, dir_.shown("kv/" + path)));
  }
  return sync_parent(path);
}

Result<void> StoreCore::make_parents(const std::string& path) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const auto folder = path.substr(0, slash);
    if (::mkdirat(dir_.kv(), folder.c_str(), kDirMode) == 0) {
      if (auto synced = sync_parent(folder); !synced) {
        return synced;
      }
    } else if (errno != EEXIST) {
      return fail(write_error(errno, dir_.shown("kv/" + folder)));
    }
  }
  return {};
}

Result<void> StoreCore::sync_parent(const std::string& path) {
  const auto folder = parent_of(path);
  const UniqueFd fd(::openat(dir_.kv(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    return fail(write_error(errno, dir_.shown("kv/" + folder)));
  }
  return sync_fd(fd.get(), dir_.shown("kv/" + folder));
}

Result<bool> StoreCore::erase(const std::string& key, std::uint64_t expected) {
  const auto path = path_of_key(key);
  if (!path) {
    return fail(path.error());
  }
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  const auto current = current_index(*path);
  if (!current) {
    return fail(current.error());
  }
  if (*current != 0 && *current == expected) {
    if (auto removed = remove_file(*path); !removed) {
      return fail(removed.error());
    }
  }
  if (auto flushed = flush(); !flushed && *current != expected) {
    return fail(flushed.error());  // else the file is gone, which counts; the journal can be mended
  }
  return *current == 0 || *current == expected;
}

// Folders that became empty go too, or every network that ever was would keep one.
Result<void> StoreCore::remove_file(const std::string& path) {
  if (::unlinkat(dir_.kv(), path.c_str(), 0) != 0 && errno != ENOENT) {
    return fail(write_error(errno, dir_.shown("kv/" + path)));
  }
  record(JournalRecord::Kind::Erase, path, 0, {});
  if (auto synced = sync_parent(path); !synced) {
    return synced;
  }
  for (auto folder = parent_of(path); folder != "."; folder = parent_of(folder)) {
    if (::unlinkat(dir_.kv(), folder.c_str(), AT_REMOVEDIR) != 0) {
      break;
    }
  }
  return {};
}

// Whoever holds the lock is the only one who may have temporary files.
void StoreCore::clear_temporaries() {
  auto dir = open_dir(dir_.tmp(), ".", dir_.shown(".vtepd/tmp"));
  if (!dir || !*dir) {
    return;
  }
  while (const auto* entry = ::readdir(dir->get())) {
    ::unlinkat(dir_.tmp(), entry->d_name, 0);
  }
}

}  // namespace vtepd::filestore
