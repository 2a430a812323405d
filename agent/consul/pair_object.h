// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/answer.h"

#include <string_view>

#include <simdjson.h>

namespace vtepd::consul {

// An answer that is not to be believed, whatever it says.
Failure garbage(std::string_view what);
Failure garbage(simdjson::error_code error);

// One object of a KV answer. The views point into its document.
Result<PairView> read_pair(simdjson::ondemand::object object);

}  // namespace vtepd::consul
