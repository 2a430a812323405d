// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_names.h"
#include "filestore/posix.h"
#include "filestore/store_core.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <sys/stat.h>

#include <dirent.h>

namespace vtepd::filestore {

namespace {

constexpr std::size_t kFilesPerLock = 4096;
constexpr std::chrono::microseconds kBreath{200};

struct Folder {
  std::string path;  // below kv/; "" is kv/ itself
  std::string key;   // what the keys in it start with
};

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "/" + std::string(name);
}

bool related(std::string_view key, std::string_view prefix) {
  return key.starts_with(prefix) || prefix.starts_with(key);
}

}  // namespace

struct StoreCore::Walk {
  const std::string& prefix;
  const OnDirectory& on_directory;
  std::optional<Guard> guard;
  std::vector<Folder> todo;
  std::vector<KvPair> found;
  std::size_t since_pause = 0;
  std::uint64_t ignored = 0;
};

Result<std::vector<KvPair>> StoreCore::list(const std::string& prefix,
                                            const OnDirectory& on_directory) {
  return list_below("", prefix, on_directory);
}

Result<std::vector<KvPair>> StoreCore::list_below(const std::string& directory,
                                                  const std::string& prefix,
                                                  const OnDirectory& on_directory) {
  Walk state{prefix, on_directory, std::nullopt, {}, {}, 0, 0};
  std::string key;
  for (std::string_view rest = directory; !rest.empty();) {
    const auto slash = rest.find('/');
    const auto component = component_of_directory(rest.substr(0, slash));
    if (!component) {
      return std::vector<KvPair>();
    }
    key += *component + '/';
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  state.todo.push_back({directory, key});
  if (auto walked = walk(state); !walked) {
    return fail(walked.error());
  }
  if (directory.empty()) {
    ignored_ = state.ignored;
  }
  std::sort(state.found.begin(), state.found.end(),
            [](const KvPair& a, const KvPair& b) { return a.key < b.key; });
  return std::move(state.found);
}

Result<void> StoreCore::walk(Walk& state) {
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  state.guard.emplace(std::move(*guard));
  while (!state.todo.empty()) {
    const auto folder = std::move(state.todo.back());
    state.todo.pop_back();
    if (auto walked = walk_directory(state, folder.path, folder.key); !walked) {
      return walked;
    }
  }
  return flush();
}

Result<void> StoreCore::walk_directory(Walk& state, const std::string& path,
                                       const std::string& key) {
  if (state.on_directory) {
    if (auto heard = state.on_directory(path); !heard) {
      return heard;
    }
  }
  if (const auto slash = state.prefix.find('/', key.size());
      state.prefix.starts_with(key) && slash != std::string::npos) {
    return follow_prefix(state, path, key, slash);
  }
  auto dir = open_dir(dir_.kv(), path.empty() ? "." : path, dir_.shown(join("kv", path)));
  if (!dir) {
    return fail(dir.error());
  }
  if (!*dir) {
    return path.empty()
               ? fail(ErrorKind::Unavailable, "the folder '" + dir_.kv_path() + "' is gone")
               : Result<void>();
  }
  for (;;) {
    errno = 0;
    const auto* entry = ::readdir(dir->get());
    if (entry == nullptr) {
      return errno == 0
                 ? Result<void>()
                 : fail_errno(errno, "read the folder '" + dir_.shown(join("kv", path)) + "'");
    }
    const std::string name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    const auto component = component_of_directory(name);
    if (component && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
      if (auto below = key + *component + '/'; related(below, state.prefix)) {
        state.todo.push_back({join(path, name), std::move(below)});
      }
      continue;
    }
    const auto last = component_of_file(name);
    if (!last) {
      ++state.ignored;
      continue;
    }
    if (auto full = key + *last; full.starts_with(state.prefix)) {
      auto taken = take_file(state, ::dirfd(dir->get()), name, join(path, name), std::move(full));
      if (!taken) {
        return taken;
      }
    }
  }
}

// The prefix leaves one folder and at most one file here: no need to read the whole folder.
Result<void> StoreCore::follow_prefix(Walk& state, const std::string& path, const std::string& key,
                                      std::size_t slash) {
  const auto below = state.prefix.substr(0, slash + 1);
  const auto name =
      encode_component(std::string_view(state.prefix).substr(key.size(), slash - key.size()));
  state.todo.push_back({join(path, name), below});
  if (below.size() < state.prefix.size()) {
    return {};
  }
  const auto file = join(path, name + "%2F");
  const auto ignored = state.ignored;
  auto taken = take_file(state, dir_.kv(), file, file, below);
  state.ignored = ignored;  // it was not seen in a folder, so it need not be there
  return taken;
}

Result<void> StoreCore::take_file(Walk& state, int dir, const std::string& name,
                                  const std::string& path, std::string key) {
  auto content = read_file(dir, name, path);
  if (!content) {
    return fail(content.error());
  }
  if (!*content) {
    ++state.ignored;
    return {};
  }
  const auto index = index_of(path, (*content)->identity);
  state.found.push_back({std::move(key), std::move((*content)->bytes), index});
  return ++state.since_pause < kFilesPerLock ? Result<void>() : pause(state);
}

Result<void> StoreCore::pause(Walk& state) {
  state.since_pause = 0;
  if (auto flushed = flush(); !flushed) {
    return flushed;
  }
  state.guard.reset();
  std::this_thread::sleep_for(kBreath);
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  state.guard.emplace(std::move(*guard));
  return {};
}

}  // namespace vtepd::filestore
