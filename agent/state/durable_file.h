// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <string>

namespace vtepd {

// Replaces the file with this content, so that after a crash it holds the old or the new one,
// never a mixture: temporary file beside it, fsync, rename, fsync of the folder. Mode 0600.
Result<void> write_durably(const std::string& path, const std::string& content);

// The whole file; NotFound if there is none.
Result<std::string> read_file(const std::string& path);

// The folder and its parents, the last one with mode 0700.
Result<void> make_folder(const std::string& path);

}  // namespace vtepd
