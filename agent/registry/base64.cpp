// SPDX-License-Identifier: GPL-2.0-only
#include "registry/base64.h"

#include <cstddef>
#include <cstdint>

namespace vtepd::registry {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto rest = bytes.size() - i;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < rest ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    text += kAlphabet[group >> 18U & 63U];
    text += kAlphabet[group >> 12U & 63U];
    text += rest > 1 ? kAlphabet[group >> 6U & 63U] : '=';
    text += rest > 2 ? kAlphabet[group & 63U] : '=';
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  unsigned digits = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) {
      break;
    }
    group = group << 6U | static_cast<std::uint32_t>(value);
    if (++digits % 4 == 0) {
      bytes += {static_cast<char>(group >> 16U), static_cast<char>(group >> 8U),
                static_cast<char>(group)};
      group = 0;
    }
  }
  if (digits % 4 == 3) {
    bytes += {static_cast<char>(group >> 10U), static_cast<char>(group >> 2U)};
  } else if (digits % 4 == 2) {
    bytes += static_cast<char>(group >> 4U);
  }
  // Refuses stray characters, wrong padding and bits that belong to no byte.
  return base64_encode(bytes) == text ? std::optional(bytes) : std::nullopt;
}

}  // namespace vtepd::registry
