// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

namespace vtepd {

// The first error of results that were got side by side; null if all are well.
template <typename... T>
[[nodiscard]] const Error* first_error(const Result<T>&... results) {
  const Error* first = nullptr;
  (void)((results.has_value() || (first = &results.error(), false)) && ...);
  return first;
}

}  // namespace vtepd
