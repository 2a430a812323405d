// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "config/config.h"
#include "config/section.h"

namespace vtepd {

// The table [gossip].
void read_gossip(const Value& document, Config::Gossip& gossip, Problems& problems);

}  // namespace vtepd
