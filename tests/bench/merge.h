// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"

#include <vector>

namespace vtepd::bench {

// One report of several runs of the same plan on the same bed: of each row the median of the runs'
// medians, their extremes, and the number of all measurements. The bed gets a field "full runs".
// Throws std::runtime_error that names what the runs do not have in common; at least one run.
[[nodiscard]] Report merge(const std::vector<Report>& runs);

}  // namespace vtepd::bench
