// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/segment_hooks.h"

#include <span>
#include <utility>

namespace vtepd {

Result<void> SegmentHooks::attach(IfIndex sending, IfIndex receiving) {
  // What only drops comes first.
  const std::pair<Attachment, const char*> hooks[] = {
      {{"seg_back", sending, Direction::Ingress, Place::Front}, "vtep_drop_all"},
      {{"seg_eg", receiving, Direction::Egress, Place::Front}, "vtep_ep_guard"},
      {{"seg_in2", receiving, Direction::Ingress, Place::Second}, "vtep_drop_all"},
      {{"seg_in", receiving, Direction::Ingress, Place::Front}, "vtep_from_seg"},
  };
  for (const auto& [at, program] : hooks) {
    if (auto done = attacher_.attach(at, program); !done) {
      return fail(std::move(done.error()));
    }
  }
  return {};
}

Result<bool> SegmentHooks::use(IfIndex sending) {
  const __u32 slot = 0;
  const __u32 value = sending.value;
  const auto before = tables_.seg.lookup(slot);
  if (!before) {
    return fail(before.error());
  }
  if (*before == value) {
    return false;
  }
  const auto failed = tables_.seg.update(std::span(&slot, 1), std::span(&value, 1));
  if (!failed.empty()) {
    return fail(tables_.seg.raw().update_error(failed.front().error, ""));
  }
  return true;
}

}  // namespace vtepd
