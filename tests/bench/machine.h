// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"

namespace vtepd::bench {

// What the figures were measured on: processor, cores, memory, kernel, distribution, compiler,
// date, and how the hosts are joined.
[[nodiscard]] Json describe_machine();

}  // namespace vtepd::bench
