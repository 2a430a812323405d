// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace vtepd {

// `vtepd run`: builds every part, wires them and runs until SIGTERM or SIGINT. Leaving keeps the
// data path as it is: links and maps are pinned, forwarding goes on.
Result<void> run_daemon(const Config& config);

// `vtepd purge`: takes everything of the instance off the host, and only that. With `withdraw` its
// endpoints leave the store as well; else they are remembered and withdrawn by the next daemon.
Result<void> purge_instance(const Config& config, bool withdraw);

// Written as owner into our endpoints: who may withdraw them.
std::string owner_of(const Config& config, const IpAddress& vtep);

}  // namespace vtepd
