// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace vtepd::nft {

// "0x" and the bytes as one number, most significant first, without leading zeros.
std::string hex(std::span<const std::uint8_t> bytes);
std::string hex(std::uint64_t number);

// The other way round: fills all of `bytes`. False if this is no such number or too large.
[[nodiscard]] bool parse_hex(std::string_view text, std::span<std::uint8_t> bytes);

template <typename Number>
[[nodiscard]] std::optional<Number> parse_hex_number(std::string_view text) {
  Number value = 0;
  if (!text.starts_with("0x")) {
    return std::nullopt;
  }
  const char* last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data() + 2, last, value, 16);
  return code == std::errc{} && end == last ? std::optional(value) : std::nullopt;
}

}  // namespace vtepd::nft
