// SPDX-License-Identifier: GPL-2.0-only
#include "core/object_id.h"

namespace vtepd {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// 16 and more: no digit.
constexpr unsigned value_of(char digit) {
  return digit >= '0' && digit <= '9'   ? static_cast<unsigned>(digit - '0')
         : digit >= 'a' && digit <= 'f' ? static_cast<unsigned>(digit - 'a') + 10
                                        : 16;
}

}  // namespace

Result<ObjectId> ObjectId::parse(std::string_view text) {
  ObjectId id;
  unsigned seen = 0;
  if (text.size() == id.bytes.size() * 2) {
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
      const unsigned high = value_of(text[i * 2]);
      const unsigned low = value_of(text[i * 2 + 1]);
      seen |= high | low;
      id.bytes.at(i) = static_cast<std::uint8_t>(high << 4U | low);
    }
  }
  if (text.size() != id.bytes.size() * 2 || seen >= 16) {
    return fail(ErrorKind::Invalid, "'" + std::string(text) + "' is not an id of 64 hex digits");
  }
  return id;
}

std::string ObjectId::to_string() const {
  std::string text(bytes.size() * 2, '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[i * 2] = kDigits[bytes.at(i) >> 4U];
    text[i * 2 + 1] = kDigits[bytes.at(i) & 15U];
  }
  return text;
}

}  // namespace vtepd
