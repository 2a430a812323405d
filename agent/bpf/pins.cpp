// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/pins.h"

#include "vtepd/abi.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

namespace vtepd {

namespace {

constexpr std::string_view kNewSuffix = "_new";
constexpr std::string_view kOldSuffix = "_old";

Result<void> check_bpffs(const std::string& path) {
  struct statfs info {};

  if (statfs(path.c_str(), &info) != 0) {
    return fail_errno(errno, "BPF file system " + path);
  }
  if (info.f_type == BPF_FS_MAGIC) {
    return {};
  }
  return fail(ErrorKind::Unavailable,
              path + " is not a BPF file system; mount one with `mount -t bpf bpf " + path +
                  "` (`ip netns exec` hides the host's behind a fresh /sys; `nsenter --net` "
                  "does not)");
}

// Absent is fine, somebody else's is not.
Result<void> check_folder(const std::string& path) {
  struct stat info {};

  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Result<void>() : fail_errno(errno, "pin folder " + path);
  }
  if (!S_ISDIR(info.st_mode)) {
    return fail(ErrorKind::Conflict, "pin folder " + path + ": not a folder; remove it");
  }
  if (info.st_uid != 0 || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(ErrorKind::Denied,
                "pin folder " + path +
                    ": not root's or writable by others; find out who made it and remove it");
  }
  return {};
}

Result<void> rename_folder(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0
             ? Result<void>()
             : fail_errno(errno, "rename " + from + " to " + to);
}

bool is_there(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

bool valid_instance(std::string_view name) {
  // The BPF file system refuses dots.
  return !name.empty() && name.size() <= 64 && name.find_first_of("/.") == std::string_view::npos;
}

bool is_map_set(std::string_view name) {
  for (const auto suffix : {kNewSuffix, kOldSuffix}) {
    if (name.ends_with(suffix)) {
      name.remove_suffix(suffix.size());
      break;
    }
  }
  return name.size() > 1 && name.front() == 'v' &&
         name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

Result<PinFolder> PinFolder::find(const std::string& bpffs, const std::string& instance) {
  if (!valid_instance(instance)) {
    return fail(ErrorKind::Invalid, "instance name \"" + instance +
                                        "\": must be 1 to 64 characters without '/' and '.'");
  }
  if (auto good = check_bpffs(bpffs); !good) {
    return fail(std::move(good.error()));
  }
  PinFolder folder(bpffs + "/vtepd", bpffs + "/vtepd/" + instance);
  for (const auto& path : {folder.root_, folder.path_, folder.maps(), folder.new_maps(),
                           folder.old_maps(), folder.links()}) {
    if (auto good = check_folder(path); !good) {
      return fail(std::move(good.error()));
    }
  }
  return folder;
}

std::string PinFolder::maps() const {
  return path_ + "/v" + std::to_string(VTEP_ABI_VERSION);
}

std::string PinFolder::new_maps() const {
  return maps() + std::string(kNewSuffix);
}

std::string PinFolder::old_maps() const {
  return maps() + std::string(kOldSuffix);
}

Result<void> PinFolder::create() const {
  for (const auto& path : {root_, path_, links()}) {
    if (auto made = make_pin_folder(path); !made) {
      return made;
    }
  }
  return {};
}

bool PinFolder::exists() const {
  return is_there(path_);
}

bool PinFolder::used() const {
  return !map_sets().empty() || !list_folder(links()).empty();
}

std::vector<std::string> PinFolder::map_sets() const {
  auto names = list_folder(path_);
  std::erase_if(names, [](const std::string& name) { return !is_map_set(name); });
  return names;
}

std::vector<std::string> PinFolder::promoted_map_sets() const {
  auto names = map_sets();
  std::erase_if(names, [](const std::string& name) { return name.ends_with(kNewSuffix); });
  return names;
}

std::set<std::uint32_t> PinFolder::map_ids() const {
  std::set<std::uint32_t> ids;
  for (const auto& set : map_sets()) {
    for (const auto& name : list_folder(path_ + "/" + set)) {
      const auto fd = open_pin(path_ + "/" + set + "/" + name, true);
      bpf_map_info info{};
      __u32 size = sizeof info;
      if (fd && bpf_map_get_info_by_fd(fd->get(), &info, &size) == 0) {
        ids.insert(info.id);
      }
    }
  }
  return ids;
}

// A set is renamed as a whole, so that it is never half there: pins removed one by one would leave
// a mixture that a later start could take for a set.
Result<void> PinFolder::promote_new_maps() const {
  if (is_there(maps())) {
    if (auto removed = remove_pin_folder(old_maps()); !removed) {
      return removed;
    }
    if (auto aside = rename_folder(maps(), old_maps()); !aside) {
      return aside;
    }
  }
  return rename_folder(new_maps(), maps());
}

// Only a set that every program uses puts the earlier one aside.
Result<void> PinFolder::finish_promotion() const {
  const bool halfway = is_there(old_maps()) && is_there(new_maps()) && !is_there(maps());
  return halfway ? rename_folder(new_maps(), maps()) : Result<void>();
}

Result<void> PinFolder::remove_other_maps() const {
  for (const auto& name : map_sets()) {
    const std::string set = path_ + "/" + name;
    if (set == maps()) {
      continue;
    }
    if (auto removed = remove_pin_folder(set); !removed) {
      return removed;
    }
  }
  return {};
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

Result<void> make_pin_folder(const std::string& path) {
  if (mkdir(path.c_str(), S_IRWXU) == 0) {
    // The umask cannot widen, but an inherited ACL or setgid bit could.
    return chmod(path.c_str(), S_IRWXU) == 0 ? Result<void>() : fail_errno(errno, "chmod " + path);
  }
  return errno == EEXIST ? check_folder(path) : fail_errno(errno, "create pin folder " + path);
}

Result<void> remove_pin_folder(const std::string& path) {
  for (const auto& name : list_folder(path)) {
    if (auto removed = remove_pin(path + "/" + name); !removed) {
      return removed;
    }
  }
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, "remove pin folder " + path);
  }
  return {};
}

Result<UniqueFd> open_pin(const std::string& path, bool read_only) {
  LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = read_only ? __u32{BPF_F_RDONLY} : 0U);
  const int fd = bpf_obj_get_opts(path.c_str(), &options);
  if (fd >= 0) {
    return UniqueFd(fd);
  }
  return errno == ENOENT ? Result<UniqueFd>(UniqueFd()) : fail_errno(errno, "open pin " + path);
}

Result<void> pin_object(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) != 0) {
    return fail_errno(errno, "pin to " + path);
  }
  return {};
}

Result<void> remove_pin(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) {
    return {};
  }
  const int error = errno;
  if (error == EISDIR || error == EPERM) {
    if (rmdir(path.c_str()) == 0) {
      return {};
    }
  }
  return fail_errno(error, "remove pin " + path);
}

}  // namespace vtepd
