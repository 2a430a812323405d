// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/link_hooks.h"

#include "bpf/libbpf_output.h"
#include "bpf/pins.h"

#include <cerrno>
#include <cstdio>

#include <bpf/bpf.h>

namespace vtepd {

std::string LinkHooks::attaching(const Attachment& at) const {
  return "attach " + at.name + " to " + interface_name(at.ifindex) + " by " + std::string(kind());
}

std::optional<bpf_link_info> LinkHooks::link_info(int fd) const {
  bpf_link_info info{};
  __u32 size = sizeof info;
  if (bpf_link_get_info_by_fd(fd, &info, &size) != 0 || info.type != type_) {
    return std::nullopt;
  }
  return info;
}

LinkHooks::Neighbours LinkHooks::neighbours(const Attachment& at) const {
  Neighbours found;
  auto before = Place::Front;
  auto after = Place::Last;
  for (const auto& [name, other] : places_) {
    const auto link = links_.find(name);
    if (link == links_.end() || other.ifindex != at.ifindex || other.direction != at.direction) {
      continue;
    }
    const auto info = link_info(link->second.get());
    if (!info || !sits_at(other, *info)) {
      continue;
    }
    if (other.place < at.place && other.place >= before) {
      before = other.place;
      found.before = link->second.get();
    } else if (other.place > at.place && other.place <= after) {
      after = other.place;
      found.after = link->second.get();
    }
  }
  return found;
}

Result<UniqueFd*> LinkHooks::link(const std::string& name) {
  if (const auto known = links_.find(name); known != links_.end()) {
    return &known->second;
  }
  auto pinned = open_pin(pin(name), false);
  if (!pinned) {
    return fail(std::move(pinned.error()));
  }
  return pinned->valid() ? &(links_[name] = std::move(*pinned)) : nullptr;
}

bool LinkHooks::is_pinned(const std::string& name, std::uint32_t link_id) const {
  const auto fd = open_pin(pin(name), false);
  const auto info = fd && fd->valid() ? link_info(fd->get()) : std::nullopt;
  return info && info->id == link_id;
}

Result<void> LinkHooks::repin(const std::string& name, int link) const {
  const std::string fresh = pin(name + "_new");
  if (auto removed = remove_pin(fresh); !removed) {
    return removed;
  }
  if (auto pinned = pin_object(link, fresh); !pinned) {
    return pinned;
  }
  if (std::rename(fresh.c_str(), pin(name).c_str()) != 0) {
    return fail_errno(errno, "rename " + fresh + " to " + pin(name));
  }
  return {};
}

// A packet sees the one program or the other.
Result<bool> LinkHooks::replace(const Attachment& at, int link, std::uint32_t id, int program) {
  if (bpf_link_update(link, program, nullptr) != 0) {
    return fail_errno(errno, attaching(at) + ", replacing the program");
  }
  places_.insert_or_assign(at.name, at);
  auto pinned = is_pinned(at.name, id) ? Result<void>() : repin(at.name, link);
  return pinned ? Result<bool>(false) : fail(std::move(pinned.error()));
}

Result<bool> LinkHooks::attach(const Attachment& at, int program) {
  auto existing = link(at.name);
  if (!existing) {
    return fail(std::move(existing.error()));
  }
  if (*existing != nullptr) {
    const int fd = (*existing)->get();
    if (const auto info = link_info(fd); info && sits_at(at, *info)) {
      return replace(at, fd, info->id, program);
    }
  }
  UniqueFd created = create(at, program);
  if (!created.valid()) {
    const int why = errno;
    Error error = Error::from_errno(why, attaching(at) + take_libbpf_warnings());
    error.what += advice(why);
    return fail(std::move(error));
  }
  if (auto pinned = repin(at.name, created.get()); !pinned) {
    return fail(std::move(pinned.error()));  // closing the link detaches it
  }
  if (*existing != nullptr) {
    bpf_link_detach((*existing)->get());  // of an interface that is gone or no longer meant
  }
  links_[at.name] = std::move(created);
  places_.insert_or_assign(at.name, at);
  return true;
}

Result<void> LinkHooks::detach(const Attachment& at) {
  auto existing = link(at.name);
  if (!existing) {
    return fail(std::move(existing.error()));
  }
  if (*existing != nullptr) {
    if (bpf_link_detach((*existing)->get()) != 0 && errno != ENOLINK) {
      return fail_errno(errno, "detach " + at.name);
    }
    links_.erase(at.name);
    places_.erase(at.name);
  }
  return remove_pin(pin(at.name));
}

Result<std::uint32_t> LinkHooks::attached(const Attachment& at) {
  auto existing = link(at.name);
  if (!existing) {
    return fail(std::move(existing.error()));
  }
  if (*existing == nullptr) {
    return 0U;
  }
  const auto info = link_info((*existing)->get());
  return info && is_pinned(at.name, info->id) && sits_at(at, *info) ? info->prog_id : 0U;
}

Result<void> LinkHooks::sweep(const Attachment& /*underlay*/) {
  for (const auto& name : list_folder(folder_)) {
    auto fd = open_pin(pin(name), false);
    if (!fd || !fd->valid()) {
      continue;  // a marker folder, not a link
    }
    if (const auto info = link_info(fd->get()); info && orphaned(*info)) {
      links_.erase(name);
      if (auto removed = remove_pin(pin(name)); !removed) {
        return removed;
      }
    }
  }
  return {};
}

}  // namespace vtepd
