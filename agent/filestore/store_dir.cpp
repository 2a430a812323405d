// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/store_dir.h"

#include "filestore/posix.h"

#include <cerrno>
#include <utility>

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

constexpr mode_t kDirMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr const char* kMarker = "store";
constexpr std::string_view kMagic = "vtepd file store 1 ";
constexpr std::size_t kIdDigits = 32;

Result<void> make_dir(int parent, const char* name, const std::string& shown) {
  if (::mkdirat(parent, name, kDirMode) != 0 && errno != EEXIST) {
    return fail_errno(errno, "make the folder '" + shown + "'");
  }
  return {};
}

Result<UniqueFd> open_folder(int parent, const char* name, const std::string& shown) {
  UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    return fail_errno(errno, "open the folder '" + shown + "'");
  }
  return fd;
}

bool exists(int parent, const char* name) {
  struct stat status {};

  return ::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// kv/ alone is fine: configuration management may have put it there before the first start.
Result<void> require_ours_or_empty(int root, const std::string& shown) {
  auto dir = open_dir(root, ".", shown);
  if (!dir) {
    return fail(dir.error());
  }
  for (const dirent* entry = nullptr; *dir && (entry = ::readdir(dir->get())) != nullptr;) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != "kv" && name != ".vtepd" && name != ".git" &&
        name != "lost+found") {
      return fail(ErrorKind::Invalid, "'" + shown + "' is no store of vtepd: it holds '" +
                                          std::string(name) +
                                          "'; name an empty folder or one that vtepd made");
    }
  }
  return {};
}

}  // namespace

Error StoreDir::gone(const std::string& what, int number) const {
  auto error = Error::from_errno(number, "store '" + path_ + "': " + what);
  error.kind = ErrorKind::Unavailable;
  error.what += "; mount or restore the folder, everything known stays until then";
  return error;
}

Result<StoreDir::Place> StoreDir::place_of(const std::string& path) {
  struct stat status {};

  if (::stat(path.c_str(), &status) != 0) {
    return fail_errno(errno, path);
  }
  return Place{status.st_dev, status.st_ino};
}

Result<StoreDir> StoreDir::open(const std::string& dir, bool create) {
  StoreDir store;
  store.path_ = dir;
  while (store.path_.size() > 1 && store.path_.ends_with('/')) {
    store.path_.pop_back();
  }
  if (create && ::mkdir(dir.c_str(), kDirMode) != 0 && errno != EEXIST) {
    return fail_errno(errno, "make the store's folder '" + dir + "'");
  }
  if (create && !exists(AT_FDCWD, store.shown(".vtepd/store").c_str())) {
    if (auto made = store.populate(); !made) {
      return fail(made.error());
    }
  }
  if (auto attached = store.attach(); !attached) {
    return fail(attached.error());
  }
  return store;
}

// The marker comes last, under its name in one step: a crash in between is begun again.
Result<void> StoreDir::populate() {
  auto root = open_folder(AT_FDCWD, path_.c_str(), path_);
  if (!root) {
    return fail(root.error());
  }
  if (auto fine = require_ours_or_empty(root->get(), path_); !fine) {
    return fine;
  }
  if (exists(root->get(), ".vtepd/journal")) {
    return fail(ErrorKind::Unavailable,
                "store '" + path_ +
                    "': its marker '.vtepd/store' is missing; restore it, or "
                    "remove '.vtepd' if this shall become a new store with the keys in kv/");
  }
  for (const char* name : {"kv", ".vtepd", ".vtepd/tmp", ".vtepd/sessions"}) {
    if (auto made = make_dir(root->get(), name, shown(name)); !made) {
      return made;
    }
  }
  const auto temporary = ".vtepd/tmp/store." + random_hex(8);
  const auto text = std::string(kMagic) + random_hex(kIdDigits) + "\n";
  if (auto written = write_file(root->get(), temporary, text, shown(temporary)); !written) {
    return fail(written.error());
  }
  // A link, not a rename: of two who make the store at once the second finds the first's marker.
  const bool linked = ::linkat(root->get(), temporary.c_str(), root->get(), ".vtepd/store", 0) == 0;
  const int number = errno;
  ::unlinkat(root->get(), temporary.c_str(), 0);
  if (!linked && number != EEXIST) {
    return fail(write_error(number, shown(".vtepd/store")));
  }
  created_ = linked;
  return sync_fd(root->get(), path_);
}

Result<void> StoreDir::attach() {
  auto root = open_folder(AT_FDCWD, path_.c_str(), path_);
  if (!root) {
    return fail(root.error());
  }
  auto meta = open_folder(root->get(), ".vtepd", shown(".vtepd"));
  if (!meta) {
    return fail(gone("it has no '.vtepd', so it is no store or is not mounted", ENOENT));
  }
  const auto marker = read_file(meta->get(), kMarker, shown(".vtepd/store"));
  if (!marker) {
    return fail(marker.error());
  }
  if (!*marker) {
    return fail(gone("its marker '.vtepd/store' is missing", ENOENT));
  }
  std::string id = (*marker)->bytes;
  if (!id.starts_with(kMagic) || id.size() != kMagic.size() + kIdDigits + 1) {
    return fail(ErrorKind::Invalid, "'" + shown(".vtepd/store") + "' is not a marker of vtepd");
  }
  id = id.substr(kMagic.size(), kIdDigits);
  if (!id_.empty() && id != id_) {
    return fail(ErrorKind::Unavailable, "store '" + path_ + "': it is another store now (" + id +
                                            " instead of " + id_ +
                                            "); restart vtepd if that is meant");
  }
  for (const char* name : {"tmp", "sessions"}) {
    // rsync and git leave empty folders out.
    if (auto made = make_dir(meta->get(), name, shown(std::string(".vtepd/") + name)); !made) {
      return made;
    }
  }
  auto kv = open_folder(root->get(), "kv", kv_path());
  auto tmp = open_folder(meta->get(), "tmp", shown(".vtepd/tmp"));
  auto sessions = open_folder(meta->get(), "sessions", shown(".vtepd/sessions"));
  UniqueFd lock(::openat(meta->get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (!lock.valid()) {
    return fail(write_error(errno, shown(".vtepd/lock")));
  }
  auto kv_place = place_of(kv_path());
  auto marker_place = place_of(shown(".vtepd/store"));
  for (const auto* part : {&kv, &tmp, &sessions}) {
    if (!*part) {
      return fail(ErrorKind::Unavailable, part->error().what);
    }
  }
  if (!kv_place || !marker_place) {
    return fail(gone("it vanished while it was opened", ENOENT));
  }
  id_ = std::move(id);
  root_ = std::move(*root);
  meta_ = std::move(*meta);
  kv_ = std::move(*kv);
  tmp_ = std::move(*tmp);
  sessions_ = std::move(*sessions);
  lock_ = std::move(lock);
  kv_place_ = *kv_place;
  marker_place_ = *marker_place;
  return {};
}

Result<void> StoreDir::check(bool& reopened) {
  reopened = false;

  struct stat status {};

  if (::stat(shown(".vtepd/store").c_str(), &status) != 0) {
    return fail(gone("its marker '.vtepd/store' cannot be read", errno));
  }
  const bool same_marker = Place{status.st_dev, status.st_ino} == marker_place_;
  if (::stat(kv_path().c_str(), &status) != 0) {
    return fail(gone("its folder 'kv' cannot be read", errno));
  }
  if (same_marker && Place{status.st_dev, status.st_ino} == kv_place_) {
    return {};
  }
  reopened = true;
  return attach();
}

}  // namespace vtepd::filestore
