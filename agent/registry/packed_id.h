// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vtepd::registry {

// 64 hex digits in half the room.
using PackedId = std::array<std::uint64_t, 4>;

struct PackedHash {
  std::size_t operator()(const PackedId& id) const noexcept { return id[0] ^ id[2]; }
};

inline PackedId pack(std::string_view id) {
  PackedId packed{};
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto digit = static_cast<std::uint64_t>(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
    packed.at(i / 16) = packed.at(i / 16) << 4U | digit;
  }
  return packed;
}

inline std::string unpack(const PackedId& packed) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (const auto word : packed) {
    for (unsigned shift = 64; shift > 0; shift -= 4) {
      id += kDigits[word >> (shift - 4) & 15U];
    }
  }
  return id;
}

}  // namespace vtepd::registry
