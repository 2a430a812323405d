// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/link_hooks.h"

#include <algorithm>
#include <array>

#include <bpf/bpf.h>

namespace vtepd {

namespace {

constexpr std::size_t kMostPrograms = 64;  // BPF_MPROG_MAX

class NetkitHooks final : public LinkHooks {
 public:
  explicit NetkitHooks(std::string links) : LinkHooks(std::move(links), BPF_LINK_TYPE_NETKIT) {}

  [[nodiscard]] std::string_view kind() const override { return "netkit"; }

 private:
  [[nodiscard]] UniqueFd create(const Attachment& at, int program) override;
  [[nodiscard]] bool sits_at(const Attachment& at, const bpf_link_info& info) const override;

  [[nodiscard]] bool orphaned(const bpf_link_info& info) const override {
    return info.netkit.ifindex == 0;
  }
};

// Before everybody else's programs.
UniqueFd NetkitHooks::create(const Attachment& at, int program) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = BPF_F_BEFORE);
  return UniqueFd(
      bpf_link_create(program, static_cast<int>(at.ifindex.value), BPF_NETKIT_PEER, &options));
}

bool NetkitHooks::sits_at(const Attachment& at, const bpf_link_info& info) const {
  std::array<__u32, kMostPrograms> programs{};
  std::array<__u32, kMostPrograms> links{};
  LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = programs.data(), .prog_cnt = kMostPrograms,
              .link_ids = links.data());
  return bpf_prog_query_opts(static_cast<int>(at.ifindex.value), BPF_NETKIT_PEER, &query) == 0 &&
         std::ranges::find(links, info.id) != links.end();
}

}  // namespace

std::unique_ptr<Hooks> make_netkit_hooks(std::string links) {
  return std::make_unique<NetkitHooks>(std::move(links));
}

// Only the host end of such a device can be asked for the programs of its other end.
bool is_netkit(IfIndex ifindex) {
  LIBBPF_OPTS(bpf_prog_query_opts, query);
  return bpf_prog_query_opts(static_cast<int>(ifindex.value), BPF_NETKIT_PEER, &query) == 0;
}

}  // namespace vtepd
