// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel_note.h"

#include "netns_note.skel.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd::test {

namespace {

constexpr std::uint32_t kHandle = 1;
constexpr std::uint32_t kPriority = 1;

// Goes with the interface, as the test's namespaces do. Before any other filter.
void attach(int program, const std::string& interface) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(if_nametoindex(interface.c_str())),
              .attach_point = BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = kHandle, .priority = kPriority);
  const int made = bpf_tc_hook_create(&hook);
  const int rc = made == 0 || made == -EEXIST ? bpf_tc_attach(&hook, &options) : made;
  if (rc != 0) {
    throw std::runtime_error("attach to " + interface + ": " + std::strerror(-rc));
  }
}

int no_output(libbpf_print_level, const char*, va_list) {
  return 0;
}

}  // namespace

void TunnelNotes::Destroy::operator()(netns_note_bpf* skeleton) const {
  netns_note_bpf::destroy(skeleton);
}

bool TunnelNotes::can_be_read() {
  const auto previous = libbpf_set_print(no_output);
  const std::unique_ptr<netns_note_bpf, Destroy> loaded(netns_note_bpf::open_and_load());
  libbpf_set_print(previous);
  return loaded != nullptr;
}

TunnelNotes::TunnelNotes(const NetNamespace& netns, const std::string& interface)
    : skeleton_(netns_note_bpf::open_and_load()) {
  if (!skeleton_) {
    throw std::runtime_error("load the program that counts");
  }
  const int program = bpf_program__fd(skeleton_->progs.note_count);
  netns.inside([&] { attach(program, interface); });
}

std::uint64_t TunnelNotes::count(bool pending, bool noted) const {
  const __u32 key = (noted ? 1U : 0U) + (pending ? 2U : 0U);
  __u64 value = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.note_counts), &key, &value) != 0) {
    throw std::runtime_error(std::string("read the counts: ") + std::strerror(errno));
  }
  return value;
}

}  // namespace vtepd::test
