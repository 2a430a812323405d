// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <optional>
#include <string>

namespace vtepd::netlink {

// The namespace that holds an instance's bridges, vxlan devices and host ends, so that nothing of
// the host's stack, its firewall or another network meets their frames. A bind mount keeps it alive
// while no daemon runs, as `ip netns` does.
class OverlayNetns {
 public:
  // Takes over the one at `path`, or makes it, with forwarding off.
  static Result<OverlayNetns> open_or_create(const std::string& path);
  // Nothing if there is none.
  static Result<std::optional<OverlayNetns>> find(const std::string& path);

  [[nodiscard]] int fd() const { return fd_.get(); }

  [[nodiscard]] const std::string& path() const { return path_; }

  // Somebody else may have unmounted it or mounted another there.
  [[nodiscard]] bool is_mounted() const;
  // Mounts it again after that.
  Result<void> mount() const;
  // The name goes; the namespace and all devices in it go with their last user.
  Result<void> remove();

 private:
  OverlayNetns(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;
};

}  // namespace vtepd::netlink
