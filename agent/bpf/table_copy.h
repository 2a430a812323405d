// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/tables.h"

#include <vector>

namespace vtepd {

// Fills the tables of a new set from those of an earlier run, before any program uses them: with
// the ids of VTEPs and the counters as they are. A table that is the same map in both is left
// alone. What does not fit into a smaller one is left out, endpoints of other hosts before those of
// this one; each such table is an error that names it, its size and its option.
Result<std::vector<Error>> copy_tables(const Tables& from, const Tables& to);

}  // namespace vtepd
