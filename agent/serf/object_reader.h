// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd::serf {

// Cuts a stream of msgpack objects, which have no length in front, into the bytes of each. Builds
// nothing, so that what an object claims to hold costs no memory. After an error the stream is out
// of step and must end.
class ObjectReader {
 public:
  static constexpr std::size_t kMaxBytes = 8U << 20U;     // of one object: 25,000 members
  static constexpr std::size_t kMaxElements = 1U << 20U;  // keys and values in it
  static constexpr std::size_t kMaxDepth = 8;

  void feed(std::string_view bytes) { buffer_.append(bytes); }

  // Empty optional: the object is not complete yet.
  Result<std::optional<std::string>> next();

  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - start_; }

 private:
  std::string buffer_;
  std::size_t start_ = 0;
};

}  // namespace vtepd::serf
