// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/store_audit.h"

#include <optional>
#include <vector>

namespace vtepd::registry {

// What to mend of confirmed findings, in order: each item can be mended by itself, and none spoils
// the next. `host`: what that VTEP left, too. `leaked`: addresses and VNIs that merely nobody has.
std::vector<std::vector<Finding>> plan(const std::vector<Finding>& findings,
                                       const std::optional<IpAddress>& host, bool leaked);

[[nodiscard]] bool removes_endpoint(const Finding& finding);

// Mends one item, by compare-and-set at what the audit has seen. False: somebody changed it since.
Result<bool> mend(const Context& context, const std::vector<Finding>& item);

}  // namespace vtepd::registry
