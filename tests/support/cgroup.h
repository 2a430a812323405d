// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace vtepd::test {

// The folder of a cgroup2 file system that this test program mounts for itself: where the
// controllers are in the old hierarchies it is at no place that can be relied on.
const std::string& cgroup_mount();

// The groups directly in `mount` whose names begin with `prefix`, and all below them. Waits a
// few seconds for the last processes in them to end.
void remove_cgroups(const std::string& mount, const std::string& prefix);

}  // namespace vtepd::test
