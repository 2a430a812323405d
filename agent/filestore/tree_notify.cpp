// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/tree_notify.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unordered_set>
#include <utility>

#include <sys/inotify.h>

#include <unistd.h>

namespace vtepd::filestore {

namespace {

// A file counts when it is closed or moved into place, not while somebody writes it.
constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                IN_DONT_FOLLOW | IN_EXCL_UNLINK;
constexpr std::size_t kBufferSize = std::size_t{64} << 10U;

// Keeps the last of equal entries: who sees the later of two keys then sees what was written
// before it, too.
void keep_last(std::vector<std::string>& paths) {
  std::unordered_set<std::string_view> seen;
  std::vector<std::string> kept;
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    if (seen.insert(*path).second) {
      kept.push_back(*path);
    }
  }
  std::reverse(kept.begin(), kept.end());
  paths = std::move(kept);
}

}  // namespace

Result<TreeNotify> TreeNotify::create(std::string root) {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) {
    return fail_errno(errno, "watch '" + root + "' (the limit is fs.inotify.max_user_instances)");
  }
  return TreeNotify(std::move(fd), std::move(root));
}

Result<void> TreeNotify::add(const std::string& path) {
  const auto full = path.empty() ? root_ : root_ + "/" + path;
  const int watch = ::inotify_add_watch(fd_.get(), full.c_str(), kMask);
  if (watch >= 0) {
    paths_.insert_or_assign(watch, path);
    return {};
  }
  if ((errno == ENOENT || errno == ENOTDIR) && !path.empty()) {
    return {};
  }
  return fail_errno(errno, errno == ENOSPC ? "watch '" + full +
                                                 "' (raise the sysctl "
                                                 "fs.inotify.max_user_watches)"
                                           : "watch '" + full + "'");
}

TreeNotify::Changes TreeNotify::drain() {
  Changes changes;
  alignas(inotify_event) std::array<char, kBufferSize> buffer{};
  for (;;) {
    const auto got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      break;
    }
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      // The name is padded with zeros.
      const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      take(event.wd, event.mask, name, changes);
      at += sizeof event + event.len;
    }
  }
  keep_last(changes.files);
  return changes;
}

void TreeNotify::take(int watch, std::uint32_t mask, std::string_view name, Changes& changes) {
  if ((mask & IN_Q_OVERFLOW) != 0) {
    changes.doubt = true;
    return;
  }
  const auto found = paths_.find(watch);
  if (found == paths_.end()) {
    return;
  }
  const bool root = found->second.empty();
  if ((mask & IN_IGNORED) != 0) {
    changes.doubt = changes.doubt || root;
    paths_.erase(found);
    return;
  }
  if ((mask & IN_UNMOUNT) != 0 || ((mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0 && root)) {
    changes.doubt = true;
    return;
  }
  if (name.empty()) {
    return;
  }
  auto path = root ? std::string(name) : found->second + "/" + std::string(name);
  if ((mask & IN_ISDIR) == 0) {
    if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) != 0) {
      changes.files.push_back(std::move(path));
    }
  } else if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    changes.folders.push_back(std::move(path));
  } else if ((mask & IN_MOVED_FROM) != 0) {
    changes.doubt = true;
  }
}

}  // namespace vtepd::filestore
