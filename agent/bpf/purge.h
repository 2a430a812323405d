// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace vtepd {

// Takes the BPF part of an instance off the host: links, clsact filters of this network namespace
// whose programs use its maps, the clsact qdiscs it made, pins of every ABI and its folder. Says
// what it removed, nothing if there was nothing. No daemon of the instance may run.
Result<std::vector<std::string>> purge_bpf(const std::string& bpffs, const std::string& instance);

}  // namespace vtepd
