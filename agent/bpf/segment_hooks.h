// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/attacher.h"
#include "bpf/tables.h"

namespace vtepd {

// The programs on the pair of veths that cuts frames up, and the table that names its sending end.
class SegmentHooks {
 public:
  SegmentHooks(Attacher& attacher, const Tables& tables) : attacher_(attacher), tables_(tables) {}

  // While the ends are down; nothing from the pair reaches the host's stack, nor the other way.
  Result<void> attach(IfIndex sending, IfIndex receiving);
  // Where frames are sent to be cut up from now on; 0: nowhere. True if it was not so before.
  Result<bool> use(IfIndex sending);

 private:
  Attacher& attacher_;
  const Tables& tables_;
};

}  // namespace vtepd
