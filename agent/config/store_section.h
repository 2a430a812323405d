// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "config/config.h"
#include "config/section.h"

namespace vtepd {

// Reads [store]. A key that another kind of store has is reported.
void read_store(const Value& document, Config::Store& store, Problems& problems);

}  // namespace vtepd
