// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/underlay_hooks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include <sys/random.h>

namespace vtepd {

namespace {

struct Hook {
  const char* name;
  Direction direction;
  Place place;
  const char* program;
};

// In the order of attaching, detached in reverse: while frames are stripped there is somebody to
// take them, or at least to stop them from reaching the host's stack.
constexpr Hook kTc{"ul_in", Direction::Ingress, Place::Last, "vtep_from_ul"};
constexpr std::array<Hook, 3> kXdp{{
    {"ul_in2", Direction::Ingress, Place::Second, "vtep_ul_guard"},
    {"ul_meta_in", Direction::Ingress, Place::Front, "vtep_from_xdp"},
    {"ul_xdp", Direction::Driver, Place::Front, "vtep_strip"},
}};

Attachment at(const Hook& hook, IfIndex device) {
  return {hook.name, device, hook.direction, hook.place};
}

}  // namespace

ModeChoice choose_mode(std::string_view wish, std::string_view kind) {
  if (wish != "auto") {
    return {wish == "xdp", "underlay.mode is \"" + std::string(wish) + "\""};
  }
  if (kind == "veth") {
    return {false, "XDP on a veth would take segmentation offload from its other end"};
  }
  return {true, "the driver has native XDP"};
}

Result<void> UnderlayHooks::attach(const UnderlayDevice& device) {
  auto choice = choose_mode(wish_, device.kind);
  // No longer wanted, or on another device, which is about to lose the programs behind it.
  if (!choice.xdp || !attacher_.occupied(at(kXdp.back(), device.ifindex))) {
    if (auto gone = detach_xdp(device.ifindex); !gone) {
      return gone;
    }
  }
  if (auto done = attacher_.attach(at(kTc, device.ifindex), kTc.program); !done) {
    return fail(std::move(done.error()));
  }
  device_ = device.ifindex;
  if (choice.xdp) {
    if (auto done = attach_xdp(device); !done) {
      if (auto gone = detach_xdp(device.ifindex); !gone) {
        return gone;
      }
      choice = {false, done.error().what};
    }
  }
  mode_ = choice.xdp ? "xdp" : "tc";
  reason_ = std::move(choice.reason);
  if (wish_ == "xdp" && !choice.xdp) {
    return fail(ErrorKind::Unavailable,
                reason_ + "; set underlay.mode to \"auto\" or \"tc\" to do without");
  }
  return {};
}

Result<void> UnderlayHooks::attach_xdp(const UnderlayDevice& device) {
  if (auto written = write_entry(device); !written) {
    return written;
  }
  for (const Hook& hook : kXdp) {
    if (auto done = attacher_.attach(at(hook, device.ifindex), hook.program); !done) {
      return fail(std::move(done.error()));
    }
  }
  return {};
}

Result<void> UnderlayHooks::detach_xdp(IfIndex device) {
  for (auto hook = kXdp.rbegin(); hook != kXdp.rend(); ++hook) {
    if (auto gone = attacher_.detach(at(*hook, device)); !gone) {
      return gone;
    }
  }
  return {};
}

Result<std::uint32_t> UnderlayHooks::cookie_for(IfIndex device) const {
  const auto own = tables_.underlays.lookup(device.value);
  if (!own) {
    return fail(own.error());
  }
  if (*own) {
    return (*own)->cookie;
  }
  std::uint32_t cookie = 0;
  while (cookie == 0) {
    if (getrandom(&cookie, sizeof cookie, 0) != sizeof cookie) {
      return fail_errno(errno, "getrandom");
    }
  }
  return cookie;
}

Result<void> UnderlayHooks::write_entry(const UnderlayDevice& device) {
  const auto cookie = cookie_for(device.ifindex);
  if (!cookie) {
    return fail(cookie.error());
  }
  vtep_underlay entry{};
  std::ranges::copy(device.mac.bytes, entry.mac);
  entry.cookie = *cookie;
  const __u32 key = device.ifindex.value;
  const auto failed = tables_.underlays.update(std::span(&key, 1), std::span(&entry, 1));
  if (!failed.empty()) {
    return fail(tables_.underlays.raw().update_error(failed.front().error, ""));
  }
  std::vector<__u32> others;
  auto listed = tables_.underlays.for_each([&](const __u32& other, const vtep_underlay&) {
    if (other != key) {
      others.push_back(other);
    }
  });
  if (listed && !others.empty()) {
    (void)tables_.underlays.erase(others);
  }
  return listed;
}

Result<void> UnderlayHooks::sweep() {
  return device_.value == 0 ? Result<void>() : attacher_.sweep(at(kTc, device_));
}

}  // namespace vtepd
