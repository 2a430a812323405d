// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <stdexcept>
#include <utility>

namespace vtepd::bench {

// The value, or an exception with the error's sentence, which ends what is being measured.
template <typename T>
T need(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().what);
  }
  return std::move(*result);
}

inline void need(const Result<void>& result) {
  if (!result) {
    throw std::runtime_error(result.error().what);
  }
}

}  // namespace vtepd::bench
