// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/hooks.h"
#include "bpf/pins.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <linux/bpf.h>
#include <net/if.h>

#include <bpf/bpf.h>

namespace vtepd {

namespace {

constexpr std::size_t kMostPrograms = 64;  // BPF_MPROG_MAX

bpf_attach_type attach_type(Direction direction) {
  return direction == Direction::Ingress ? BPF_TCX_INGRESS : BPF_TCX_EGRESS;
}

// A link's id is unique in the kernel, an interface's number only in its namespace: the link is
// the one for `at` only if the hook of the interface that we see lists it.
bool sits_at(const Attachment& at, std::uint32_t link_id) {
  std::array<__u32, kMostPrograms> programs{};
  std::array<__u32, kMostPrograms> links{};
  LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = programs.data(), .prog_cnt = kMostPrograms,
              .link_ids = links.data());
  if (bpf_prog_query_opts(static_cast<int>(at.ifindex.value), attach_type(at.direction), &query) !=
      0) {
    return false;
  }
  return std::ranges::find(links, link_id) != links.end();
}

std::optional<bpf_link_info> link_info(int fd) {
  bpf_link_info info{};
  __u32 size = sizeof info;
  if (bpf_link_get_info_by_fd(fd, &info, &size) != 0 || info.type != BPF_LINK_TYPE_TCX) {
    return std::nullopt;
  }
  return info;
}

class TcxHooks final : public Hooks {
 public:
  explicit TcxHooks(std::string links) : folder_(std::move(links)) {}

  [[nodiscard]] std::string_view kind() const override { return "tcx"; }

  Result<bool> attach(const Attachment& at, int program) override;
  Result<void> detach(const Attachment& at) override;
  Result<std::uint32_t> attached(const Attachment& at) override;
  Result<void> sweep(const Attachment& underlay) override;

 private:
  [[nodiscard]] std::string pin(const std::string& name) const { return folder_ + "/" + name; }

  [[nodiscard]] bool is_pinned(const std::string& name, std::uint32_t link_id) const;
  // The link of that name, from an earlier attach() or from its pin; null if there is none.
  Result<UniqueFd*> link(const std::string& name);
  Result<void> repin(const std::string& name, int link) const;

  std::string folder_;
  // Held open, so that a pin that somebody removes does not take the link along.
  std::map<std::string, UniqueFd> links_;
};

Result<UniqueFd*> TcxHooks::link(const std::string& name) {
  if (const auto known = links_.find(name); known != links_.end()) {
    return &known->second;
  }
  auto pinned = open_pin(pin(name), false);
  if (!pinned) {
    return fail(std::move(pinned.error()));
  }
  return pinned->valid() ? &(links_[name] = std::move(*pinned)) : nullptr;
}

bool TcxHooks::is_pinned(const std::string& name, std::uint32_t link_id) const {
  const auto fd = open_pin(pin(name), false);
  const auto info = fd && fd->valid() ? link_info(fd->get()) : std::nullopt;
  return info && info->id == link_id;
}

Result<void> TcxHooks::repin(const std::string& name, int link) const {
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

Result<bool> TcxHooks::attach(const Attachment& at, int program) {
  auto existing = link(at.name);
  if (!existing) {
    return fail(std::move(existing.error()));
  }
  const std::string what = "attach " + at.name + " to " + interface_name(at.ifindex) + " by tcx";
  if (*existing != nullptr) {
    const int fd = (*existing)->get();
    const auto info = link_info(fd);
    if (info && sits_at(at, info->id)) {
      if (bpf_link_update(fd, program, nullptr) != 0) {
        return fail_errno(errno, what + ", replacing the program");
      }
      auto pinned = is_pinned(at.name, info->id) ? Result<void>() : repin(at.name, fd);
      return pinned ? Result<bool>(false) : fail(std::move(pinned.error()));
    }
  }
  LIBBPF_OPTS(bpf_link_create_opts, options,
              .flags = at.place == Place::Front ? BPF_F_BEFORE : BPF_F_AFTER);
  UniqueFd created(bpf_link_create(program, static_cast<int>(at.ifindex.value),
                                   attach_type(at.direction), &options));
  if (!created.valid()) {
    return fail_errno(errno, what);
  }
  if (auto pinned = repin(at.name, created.get()); !pinned) {
    return fail(std::move(pinned.error()));  // closing the link detaches it
  }
  if (*existing != nullptr) {
    bpf_link_detach((*existing)->get());  // of an interface that is gone or no longer meant
  }
  links_[at.name] = std::move(created);
  return true;
}

Result<void> TcxHooks::detach(const Attachment& at) {
  auto existing = link(at.name);
  if (!existing) {
    return fail(std::move(existing.error()));
  }
  if (*existing != nullptr) {
    if (bpf_link_detach((*existing)->get()) != 0 && errno != ENOLINK) {
      return fail_errno(errno, "detach " + at.name);
    }
    links_.erase(at.name);
  }
  return remove_pin(pin(at.name));
}

Result<std::uint32_t> TcxHooks::attached(const Attachment& at) {
  auto existing = link(at.name);
  if (!existing) {
    return fail(std::move(existing.error()));
  }
  if (*existing == nullptr) {
    return 0U;
  }
  const auto info = link_info((*existing)->get());
  return info && is_pinned(at.name, info->id) && sits_at(at, info->id) ? info->prog_id : 0U;
}

Result<void> TcxHooks::sweep(const Attachment& /*underlay*/) {
  for (const auto& name : list_folder(folder_)) {
    auto fd = open_pin(pin(name), false);
    if (!fd || !fd->valid()) {
      continue;  // a marker folder, not a link
    }
    const auto info = link_info(fd->get());
    if (info && info->tcx.ifindex == 0) {
      links_.erase(name);
      if (auto removed = remove_pin(pin(name)); !removed) {
        return removed;
      }
    }
  }
  return {};
}

}  // namespace

std::unique_ptr<Hooks> make_tcx_hooks(std::string links) {
  return std::make_unique<TcxHooks>(std::move(links));
}

std::string interface_name(IfIndex ifindex) {
  std::array<char, IF_NAMESIZE> name{};
  if (if_indextoname(ifindex.value, name.data()) == nullptr) {
    return "interface " + std::to_string(ifindex.value);
  }
  return name.data();
}

}  // namespace vtepd
