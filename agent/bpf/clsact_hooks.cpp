// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/hooks.h"
#include "bpf/libbpf_output.h"
#include "bpf/pins.h"
#include "bpf/tc_filters.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd {

namespace {

constexpr std::string_view kOurPrograms = "vtep_";
constexpr std::array<std::string_view, 3> kUnderlayPrograms{"vtep_from_xdp", "vtep_ul_guard",
                                                            "vtep_from_ul"};

std::uint32_t priority_of(Place place) {
  return kFrontPriority + static_cast<std::uint32_t>(place);
}

class ClsactHooks final : public Hooks {
 public:
  ClsactHooks(std::string links, std::uint16_t handle)
      : folder_(std::move(links)), handle_(handle) {}

  [[nodiscard]] std::string_view kind() const override { return "clsact"; }

  Result<bool> attach(const Attachment& at, int program) override;
  Result<void> detach(const Attachment& at) override;
  Result<std::uint32_t> attached(const Attachment& at) override;
  Result<void> sweep(const Attachment& underlay) override;

 private:
  Result<void> make_qdisc(IfIndex ifindex) const;
  // Takes our programs for an underlay device off.
  Result<void> sweep_interface(IfIndex ifindex) const;
  // The filter in our place, whosever it is.
  Result<std::optional<TcFilter>> in_place(const Attachment& at) const;

  std::string folder_;
  std::uint32_t handle_;
  std::map<std::string, Attachment> known_;
};

Result<void> ClsactHooks::make_qdisc(IfIndex ifindex) const {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex.value));
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int rc = bpf_tc_hook_create(&hook);
  if (rc == -EEXIST) {
    (void)take_libbpf_warnings();  // of that, not of the next failure
    return {};
  }
  if (rc != 0) {
    return fail(Error::from_errno(
        -rc, "create the clsact qdisc of " + interface_name(ifindex) + take_libbpf_warnings()));
  }
  return make_pin_folder(clsact_marker(ifindex, folder_));
}

Result<std::optional<TcFilter>> ClsactHooks::in_place(const Attachment& at) const {
  auto filters = list_tc_filters(at.ifindex, at.direction);
  if (!filters) {
    return fail(std::move(filters.error()));
  }
  for (auto& filter : *filters) {
    if (filter.priority == priority_of(at.place) && filter.handle == handle_) {
      return std::optional(std::move(filter));
    }
  }
  return std::optional<TcFilter>();
}

Result<bool> ClsactHooks::attach(const Attachment& at, int program) {
  if (auto made = make_qdisc(at.ifindex); !made) {
    return fail(std::move(made.error()));
  }
  const auto there = in_place(at);
  if (!there) {
    return fail(there.error());
  }
  const std::string what = "attach " + at.name + " to " + interface_name(at.ifindex) +
                           " by clsact at priority " + std::to_string(priority_of(at.place));
  if (*there && !program_name((*there)->program_id).starts_with(kOurPrograms)) {
    return fail(ErrorKind::Conflict, what + ": somebody else's filter is there; remove it");
  }
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(at.ifindex.value),
              .attach_point = at.direction == Direction::Ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program,
              .flags = *there ? __u32{BPF_TC_F_REPLACE} : 0U, .handle = handle_,
              .priority = priority_of(at.place));
  if (const int rc = bpf_tc_attach(&hook, &options); rc != 0) {
    Error error = Error::from_errno(-rc, what).context(interface_name(at.ifindex));
    (void)remove_unused_clsact(at.ifindex, folder_);
    return fail(std::move(error));
  }
  if (const auto known = known_.find(at.name);
      known != known_.end() && known->second.ifindex != at.ifindex) {
    if (auto gone = detach(known->second); !gone) {
      return fail(std::move(gone.error()));
    }
  }
  known_[at.name] = at;
  return !there->has_value();
}

Result<void> ClsactHooks::detach(const Attachment& at) {
  known_.erase(at.name);
  const auto there = in_place(at);
  if (!there) {
    return fail(there.error());
  }
  if (*there && program_name((*there)->program_id).starts_with(kOurPrograms)) {
    if (auto gone = remove_tc_filter(at.ifindex, at.direction, **there); !gone) {
      return gone;
    }
  }
  return remove_unused_clsact(at.ifindex, folder_);
}

Result<std::uint32_t> ClsactHooks::attached(const Attachment& at) {
  const auto there = in_place(at);
  if (!there) {
    return fail(there.error());
  }
  return *there ? (*there)->program_id : 0U;
}

Result<void> ClsactHooks::sweep_interface(IfIndex ifindex) const {
  const auto filters = list_tc_filters(ifindex, Direction::Ingress);
  if (!filters) {
    return {};  // the interface went just now
  }
  for (const auto& filter : *filters) {
    if (filter.handle != handle_ || filter.kind != "bpf" ||
        std::ranges::find(kUnderlayPrograms, program_name(filter.program_id)) ==
            kUnderlayPrograms.end()) {
      continue;
    }
    if (auto gone = remove_tc_filter(ifindex, Direction::Ingress, filter); !gone) {
      return gone;
    }
    if (auto gone = remove_unused_clsact(ifindex, folder_); !gone) {
      return gone;
    }
  }
  return {};
}

Result<void> ClsactHooks::sweep(const Attachment& underlay) {
  const auto interfaces = list_interfaces();
  for (const IfIndex ifindex : interfaces) {
    if (ifindex == underlay.ifindex) {
      continue;
    }
    if (auto gone = sweep_interface(ifindex); !gone) {
      return gone;
    }
  }
  for (const auto& name : list_folder(folder_)) {
    const bool present = std::ranges::any_of(interfaces, [&](IfIndex ifindex) {
      return folder_ + "/" + name == clsact_marker(ifindex, folder_);
    });
    if (name.starts_with("clsact_") && !present) {
      (void)remove_pin(folder_ + "/" + name);
    }
  }
  return {};
}

}  // namespace

std::unique_ptr<Hooks> make_clsact_hooks(std::string links, std::uint16_t handle) {
  return std::make_unique<ClsactHooks>(std::move(links), handle);
}

}  // namespace vtepd
