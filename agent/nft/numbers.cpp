// SPDX-License-Identifier: GPL-2.0-only
#include "nft/numbers.h"

#include <algorithm>
#include <array>

namespace vtepd::nft {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string digits;
  for (const auto byte : bytes) {
    digits += kDigits[byte >> 4U];
    digits += kDigits[byte & 15U];
  }
  const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  return "0x" + digits.substr(first);
}

std::string hex(std::uint64_t number) {
  std::array<std::uint8_t, sizeof number> bytes{};
  for (std::size_t i = bytes.size(); i > 0; --i, number >>= 8U) {
    bytes.at(i - 1) = static_cast<std::uint8_t>(number & 0xffU);
  }
  return hex(bytes);
}

bool parse_hex(std::string_view text, std::span<std::uint8_t> bytes) {
  if (!text.starts_with("0x") || text.size() == 2 || text.size() - 2 > 2 * bytes.size()) {
    return false;
  }
  text.remove_prefix(2);
  std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = kDigits.find(text[text.size() - 1 - i]);
    if (digit == std::string_view::npos) {
      return false;
    }
    auto& byte = bytes[bytes.size() - 1 - i / 2];
    byte = static_cast<std::uint8_t>(byte | digit << (i % 2 * 4));
  }
  return true;
}

}  // namespace vtepd::nft
