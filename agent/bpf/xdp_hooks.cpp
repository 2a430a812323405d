// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/link_hooks.h"

#include <cerrno>

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd {

namespace {

// Native only: generic XDP switches GRO off for the device and is slower than TC.
class XdpHooks final : public LinkHooks {
 public:
  explicit XdpHooks(std::string links) : LinkHooks(std::move(links), BPF_LINK_TYPE_XDP) {}

  [[nodiscard]] std::string_view kind() const override { return "native XDP"; }

 private:
  // The driver's own words go to netlink callers only, which make no links.
  [[nodiscard]] std::string_view advice(int error) const override {
    if (error == EINVAL) {
      return " (at this MTU the driver may need several buffers for a frame, which takes the "
             "kernel's XDP multi-buffer, see 'vtepd probe', and a driver that knows it: "
             "virtio_net does since Linux 6.3)";
    }
    return error == EOPNOTSUPP
               ? " (the driver has none, or what is behind it merges frames that it cannot switch "
                 "off: for a virtio device have the hypervisor offer ctrl_guest_offloads, or no "
                 "guest_tso4, guest_tso6, guest_ufo, guest_csum)"
               : "";
  }

  [[nodiscard]] UniqueFd create(const Attachment& at, int program) override {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    return UniqueFd(
        bpf_link_create(program, static_cast<int>(at.ifindex.value), BPF_XDP, &options));
  }

  [[nodiscard]] bool sits_at(const Attachment& at, const bpf_link_info& info) const override {
    __u32 program = 0;
    const int rc =
        bpf_xdp_query_id(static_cast<int>(at.ifindex.value), XDP_FLAGS_DRV_MODE, &program);
    return rc == 0 && program != 0 && program == info.prog_id;
  }

  [[nodiscard]] bool orphaned(const bpf_link_info& info) const override {
    return info.xdp.ifindex == 0;
  }
};

}  // namespace

std::unique_ptr<Hooks> make_xdp_hooks(std::string links) {
  return std::make_unique<XdpHooks>(std::move(links));
}

}  // namespace vtepd
