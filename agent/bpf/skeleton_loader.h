// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "bpf/bpf_dataplane.h"
#include "bpf/pins.h"

#include <memory>
#include <vector>

struct datapath_bpf;

namespace vtepd {

struct SkeletonDeleter {
  void operator()(datapath_bpf* skeleton) const;
};

using Skeleton = std::unique_ptr<datapath_bpf, SkeletonDeleter>;

struct LoadedDatapath {
  Skeleton skeleton;
  std::vector<UniqueFd> tables;  // in the order of kTableSpecs, without Events
  int events = -1;               // owned by the skeleton
  bool adopted = false;
  bool used = false;  // an earlier run left something, if only programs
  // Tables of an earlier run that this one did not take over, like `tables`: to be copied. Empty if
  // there are none, or if they cannot be read.
  std::vector<UniqueFd> earlier;
};

// Loads the programs over the instance's pinned maps if those have the sizes and layout wanted,
// else over new ones, pinned as the new set.
Result<LoadedDatapath> load_datapath(const BpfDataplane::Options& options, const PinFolder& pins);

}  // namespace vtepd
