// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/attacher.h"

#include <optional>
#include <utility>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd {

namespace {

std::uint32_t program_id(int fd) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  return bpf_prog_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

bool is_tc(const Attachment& at) {
  return at.direction == Direction::Ingress || at.direction == Direction::Egress;
}

}  // namespace

Hooks& Attacher::hooks_for(const Attachment& at) const {
  if (is_tc(at)) {
    return *kinds_.tc;
  }
  return at.direction == Direction::Driver ? *kinds_.xdp : *kinds_.netkit;
}

int Attacher::program_fd(std::string_view name) const {
  const bpf_program* found = bpf_object__find_program_by_name(programs_, std::string(name).c_str());
  return found == nullptr ? -1 : bpf_program__fd(found);
}

Result<bool> Attacher::attach(const Attachment& at, std::string_view program) {
  const int fd = program_fd(program);
  if (fd < 0) {
    return fail(ErrorKind::Internal, std::string(program) + ": not in the programs' object");
  }
  auto done = hooks_for(at).attach(at, fd);
  if (!done) {
    return done;
  }
  // Frames were never without a program: what was there by the other way goes only now.
  if (is_tc(at)) {
    if (auto gone = kinds_.other_tc->detach(at); !gone) {
      return fail(std::move(gone.error()));
    }
  }
  attached_[at.name] = {at, fd, program_id(fd)};
  return done;
}

Result<void> Attacher::detach(const Attachment& at) {
  attached_.erase(at.name);
  auto done = hooks_for(at).detach(at);
  if (!is_tc(at)) {
    return done;
  }
  auto other = kinds_.other_tc->detach(at);
  return done ? other : done;
}

bool Attacher::occupied(const Attachment& at) {
  return hooks_for(at).attached(at).value_or(0) != 0;
}

Result<std::vector<std::string>> Attacher::verify() {
  std::vector<std::string> problems;
  std::optional<Error> failure;
  for (const auto& [name, attached] : attached_) {
    Hooks& hooks = hooks_for(attached.at);
    const auto id = hooks.attached(attached.at);
    const bool gone = interface_name(attached.at.ifindex).starts_with("interface ");
    if (gone || (id && *id == attached.program_id)) {
      continue;  // an interface that is gone is for the watcher of links to report
    }
    problems.push_back(
        name + " on " + interface_name(attached.at.ifindex) +
        (id && *id != 0 ? ": another program was in its place" : ": was detached or unpinned") +
        "; attached again");
    if (auto done = hooks.attach(attached.at, attached.program); !done) {
      failure = std::move(done.error());
    }
  }
  if (failure) {
    return fail(std::move(*failure));
  }
  return problems;
}

Result<void> Attacher::sweep(const Attachment& underlay) {
  for (Hooks* hooks :
       {kinds_.xdp.get(), kinds_.netkit.get(), kinds_.tc.get(), kinds_.other_tc.get()}) {
    if (auto swept = hooks->sweep(underlay); !swept) {
      return swept;
    }
  }
  return {};
}

}  // namespace vtepd
