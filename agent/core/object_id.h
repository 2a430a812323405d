// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace vtepd {

// Docker's 64 lower-case hex digits in 32 bytes: at a million endpoints the text would cost more
// than all the rest of an endpoint.
struct ObjectId {
  std::array<std::uint8_t, 32> bytes{};

  static Result<ObjectId> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const ObjectId&) const = default;
};

}  // namespace vtepd

template <>
struct std::hash<vtepd::ObjectId> {
  // The ids are random already.
  std::size_t operator()(const vtepd::ObjectId& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
