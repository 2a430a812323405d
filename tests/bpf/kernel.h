// SPDX-License-Identifier: GPL-2.0-only
// What of the tests the running kernel can do. The programs themselves run on all of them.
#pragma once

#include "bpf/probe.h"

#include <cstdint>

namespace vtepd::test {

const Features& probed_features();
// What of kAllFeatures it has.
std::uint16_t kernel_features();
// Runs a program of the driver's hook on a given device (5.15).
bool can_strip();
// Compares its sum with what the helpers kept up after a run (6.11).
bool can_compare_sums();

}  // namespace vtepd::test
