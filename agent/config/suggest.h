// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// The candidate that a person most likely meant: at most a third of its letters are wrong, missing,
// too many or swapped with their neighbour. Empty if none is that near.
[[nodiscard]] std::string nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

// "'a', 'b' and 'c'"
[[nodiscard]] std::string list_of(const std::vector<std::string>& words, std::string_view last);

}  // namespace vtepd
