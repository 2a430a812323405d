// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/link_hooks.h"

#include <algorithm>
#include <array>

#include <net/if.h>

#include <bpf/bpf.h>

namespace vtepd {

namespace {

constexpr std::size_t kMostPrograms = 64;  // BPF_MPROG_MAX

bpf_attach_type attach_type(Direction direction) {
  return direction == Direction::Ingress ? BPF_TCX_INGRESS : BPF_TCX_EGRESS;
}

class TcxHooks final : public LinkHooks {
 public:
  explicit TcxHooks(std::string links) : LinkHooks(std::move(links), BPF_LINK_TYPE_TCX) {}

  [[nodiscard]] std::string_view kind() const override { return "tcx"; }

 private:
  [[nodiscard]] UniqueFd create(const Attachment& at, int program) override;
  [[nodiscard]] bool sits_at(const Attachment& at, const bpf_link_info& info) const override;

  [[nodiscard]] bool orphaned(const bpf_link_info& info) const override {
    return info.tcx.ifindex == 0;
  }
};

// The first of ours comes before everybody else's programs, the others beside their neighbours.
UniqueFd TcxHooks::create(const Attachment& at, int program) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = BPF_F_BEFORE);
  const auto [before, after] = neighbours(at);
  if (at.place != Place::Front && (before >= 0 || after >= 0)) {
    options.flags = (before >= 0 ? BPF_F_AFTER : BPF_F_BEFORE) | BPF_F_LINK;
    options.tcx.relative_fd = static_cast<__u32>(before >= 0 ? before : after);
  }
  return UniqueFd(bpf_link_create(program, static_cast<int>(at.ifindex.value),
                                  attach_type(at.direction), &options));
}

bool TcxHooks::sits_at(const Attachment& at, const bpf_link_info& info) const {
  std::array<__u32, kMostPrograms> programs{};
  std::array<__u32, kMostPrograms> links{};
  LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = programs.data(), .prog_cnt = kMostPrograms,
              .link_ids = links.data());
  if (bpf_prog_query_opts(static_cast<int>(at.ifindex.value), attach_type(at.direction), &query) !=
      0) {
    return false;
  }
  return std::ranges::find(links, info.id) != links.end();
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
