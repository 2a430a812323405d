// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "config/section.h"

#include <optional>
#include <string>
#include <string_view>

namespace vtepd {

// What is wrong with a value, if anything is.
using Complaint = std::optional<std::string>;

Complaint check_path(const std::string& value);

// An absolute path, kept without slashes at its end.
void read_path(Section& section, std::string_view key, std::string& target);

}  // namespace vtepd
