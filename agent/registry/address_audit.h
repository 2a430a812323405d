// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/store_audit.h"

#include <string>
#include <vector>

namespace vtepd::registry {

// Address bits against those who have addresses. Part of audit().
std::vector<Finding> audit_addresses(const StoreReading& reading, const Witness& witness);

Finding make_finding(Fault fault, const NetworkReading& network, std::string object);

}  // namespace vtepd::registry
