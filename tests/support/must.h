// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

namespace vtepd::test {

// The value, or a failure of the test that shows the error.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().what;
    throw std::runtime_error(result.error().what);
  }
  return std::move(*result);
}

inline void must(const Result<void>& result) {
  if (!result) {
    ADD_FAILURE() << result.error().what;
    throw std::runtime_error(result.error().what);
  }
}

}  // namespace vtepd::test
