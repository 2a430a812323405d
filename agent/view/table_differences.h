// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/forwarding_state.h"
#include "core/views.h"
#include "view/view_builder.h"

#include <vector>

namespace vtepd {

// Where the data path's tables are not as they should be: "table-missing", "table-other",
// "table-extra" entries, table by table.
std::vector<DifferenceView> table_differences(const ForwardingState& have,
                                              const ForwardingState& want, const ViewNames& names);

}  // namespace vtepd
