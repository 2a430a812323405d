// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/hooks.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct bpf_object;

namespace vtepd {

// The loaded programs and where they are attached: by the kind of hook that this kernel has, taking
// over from the other kind that an earlier run may have used.
class Attacher {
 public:
  struct Kinds {
    std::unique_ptr<Hooks> tc;
    std::unique_ptr<Hooks> other_tc;
    std::unique_ptr<Hooks> xdp;
    std::unique_ptr<Hooks> netkit;
  };

  // `programs` outlives this.
  Attacher(const bpf_object* programs, Kinds kinds)
      : programs_(programs), kinds_(std::move(kinds)) {}

  [[nodiscard]] std::string_view tc_kind() const { return kinds_.tc->kind(); }

  // Attaches, or replaces the program that is there without a packet seeing none. True if there
  // was none.
  Result<bool> attach(const Attachment& at, std::string_view program);
  // Whoever attached it. Fine if nothing is there.
  Result<void> detach(const Attachment& at);
  // A program of ours, of this run or an earlier one, is there.
  [[nodiscard]] bool occupied(const Attachment& at);
  // Attaches again what somebody detached, pins again what somebody unlinked; says what it was.
  Result<std::vector<std::string>> verify();
  // Forgets what belongs to interfaces that are gone, and what sits on another underlay device than
  // this from an earlier run.
  Result<void> sweep(const Attachment& underlay);
  // Descriptor of a loaded program; -1 if there is none of this name.
  [[nodiscard]] int program_fd(std::string_view name) const;

 private:
  struct Attached {
    Attachment at;
    int program = -1;
    std::uint32_t program_id = 0;
  };

  [[nodiscard]] Hooks& hooks_for(const Attachment& at) const;

  const bpf_object* programs_;
  Kinds kinds_;
  std::map<std::string, Attached> attached_;
};

}  // namespace vtepd
