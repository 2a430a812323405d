// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace vtepd {

// Tells systemd about us (sd_notify(3)): "READY=1", "STATUS=…". Does nothing without
// $NOTIFY_SOCKET; a failure to tell is nobody's problem.
void notify_service(const std::string& state);

}  // namespace vtepd
