// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <string>

namespace vtepd {

// Sets spdlog up for the daemon: stderr, with time and colours on a terminal, with systemd's
// priority prefix ("<6>") and without time when $JOURNAL_STREAM is set.
Result<void> start_log(const std::string& level);

}  // namespace vtepd
