// SPDX-License-Identifier: GPL-2.0-only
#include "consul/text.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace vtepd::consul {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 255;
constexpr std::size_t kShown = 200;

constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}();

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~' || c == '/' || c == ':';
}

}  // namespace

std::string encode_path(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 15U];
  }
  return encoded;
}

bool fits_in_path(std::string_view key) {
  for (std::size_t begin = 0; begin < key.size();) {
    const auto slash = key.find('/', begin);
    const auto segment = key.substr(begin, slash == std::string_view::npos ? slash : slash - begin);
    if (segment.empty() || segment == "." || segment == "..") {
      return false;
    }
    if (slash == std::string_view::npos) {
      break;
    }
    begin = slash + 1;
  }
  return true;
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto count = bytes.size() - i;
    const auto byte = [&](std::size_t at) -> std::uint32_t {
      return at < count ? static_cast<unsigned char>(bytes[i + at]) : 0;
    };
    const std::uint32_t group = (byte(0) << 16U) | (byte(1) << 8U) | byte(2);
    text += kAlphabet[group >> 18U];
    text += kAlphabet[(group >> 12U) & 63U];
    text += count > 1 ? kAlphabet[(group >> 6U) & 63U] : '=';
    text += count > 2 ? kAlphabet[group & 63U] : '=';
  }
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') {
    --digits;
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text.substr(0, digits)) {
    const auto digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) {
      return std::nullopt;
    }
    bits = (bits << 6U) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>((bits >> held) & 255U);
    }
  }
  const bool leftover = (bits & ((1U << held) - 1U)) != 0;
  return leftover ? std::nullopt : std::optional(std::move(bytes));
}

std::string shown(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, kShown)) {
    line += c >= ' ' && c <= '~' ? c : ' ';
  }
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line + (text.size() > kShown ? " ..." : "");
}

}  // namespace vtepd::consul
