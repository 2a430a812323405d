// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ctl/command_line.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace vtepd::ctl {

// vtepctl without its process: parses, asks the daemon (or looks for itself while there is none),
// prints, and returns the exit code.
int run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

// Prints what `show` was asked for.
int show(const Command& command, std::ostream& out, std::ostream& err);

// "error: <what>" on one line; returns kFailed.
int report(const std::string& what, std::ostream& err);

}  // namespace vtepd::ctl
