// SPDX-License-Identifier: GPL-2.0-only
#include "bench/ingress_program.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd::bench {

namespace {

constexpr std::uint32_t kHandle = 1;
constexpr std::uint32_t kLastPriority = 10;  // vtepd's own filters begin behind it

// Each in front of those that are there. Answers its priority.
std::uint32_t add_filter(int ifindex, int program) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
  const int made = bpf_tc_hook_create(&hook);
  int rc = made == -EEXIST ? 0 : made;
  for (std::uint32_t priority = kLastPriority; rc == 0 && priority > 0; --priority) {
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = kHandle, .priority = priority);
    rc = bpf_tc_attach(&hook, &options);
    if (rc == 0) {
      return priority;
    }
    rc = rc == -EEXIST ? 0 : rc;
  }
  throw std::runtime_error(std::string("cannot attach a program: ") + std::strerror(-rc));
}

// The qdisc stays: it goes with the interface, and others may have come to use it.
void remove_filter(int ifindex, std::uint32_t priority) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .handle = kHandle, .priority = priority);
  bpf_tc_detach(&hook, &options);
}

}  // namespace

IngressProgram::IngressProgram(const Place& place, int program) : place_(place), program_(program) {
  place_.netns->inside([&] {
    const auto index = static_cast<int>(if_nametoindex(place_.interface.c_str()));
    LIBBPF_OPTS(bpf_prog_attach_opts, options, .flags = BPF_F_BEFORE);
    if (bpf_prog_attach_opts(program_, index, BPF_TCX_INGRESS, &options) != 0) {
      priority_ = add_filter(index, program_);
    }
  });
}

IngressProgram::~IngressProgram() {
  try {
    place_.netns->inside([&] {
      const auto index = static_cast<int>(if_nametoindex(place_.interface.c_str()));
      if (priority_ == 0) {
        bpf_prog_detach_opts(program_, index, BPF_TCX_INGRESS, nullptr);
      } else {
        remove_filter(index, priority_);
      }
    });
  } catch (const std::exception&) {
    return;  // the namespace went, and the program with it
  }
}

}  // namespace vtepd::bench
