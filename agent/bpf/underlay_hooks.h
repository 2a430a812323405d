// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/attacher.h"
#include "bpf/tables.h"
#include "ports/underlay.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace vtepd {

struct ModeChoice {
  bool xdp = false;
  std::string reason;
};

// What to try on an underlay device. `wish` is underlay.mode: "auto", "tc" or "xdp"; `kind` the
// device's, "veth".
[[nodiscard]] ModeChoice choose_mode(std::string_view wish, std::string_view kind);

// The programs on the underlay device. In xdp mode a frame is stripped by the driver's hook and
// delivered behind GRO by the first program of TC ingress; in tc mode, and whatever the driver's
// hook left as it was, by the last one.
class UnderlayHooks {
 public:
  UnderlayHooks(Attacher& attacher, const Tables& tables, std::string wish)
      : attacher_(attacher), tables_(tables), wish_(std::move(wish)) {}

  // Also when the device's MAC changed. Where xdp mode was only tried and does not work, tc mode.
  Result<void> attach(const UnderlayDevice& device);
  Result<void> sweep();

  [[nodiscard]] const std::string& mode() const { return mode_; }

  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  Result<void> attach_xdp(const UnderlayDevice& device);
  Result<void> detach_xdp(IfIndex device);
  Result<void> write_entry(const UnderlayDevice& device);
  // What tells our metadata from others': that of an earlier run, whose program may still be there,
  // else a new one.
  Result<std::uint32_t> cookie_for(IfIndex device) const;

  Attacher& attacher_;
  const Tables& tables_;
  std::string wish_;
  IfIndex device_;
  std::string mode_ = "tc";
  std::string reason_;
};

}  // namespace vtepd
