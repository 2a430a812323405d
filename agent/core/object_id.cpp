// SPDX-License-Identifier: GPL-2.0-only
#include "core/object_id.h"

namespace vtepd {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Result<ObjectId> ObjectId::parse(std::string_view text) {
  ObjectId id;
  const auto bad = [&] {
    return fail(ErrorKind::Invalid, "'" + std::string(text) + "' is not an id of 64 hex digits");
  };
  if (text.size() != id.bytes.size() * 2) {
    return bad();
  }
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const auto high = kDigits.find(text[i * 2]);
    const auto low = kDigits.find(text[i * 2 + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return bad();
    }
    id.bytes.at(i) = static_cast<std::uint8_t>(high * 16 + low);
  }
  return id;
}

std::string ObjectId::to_string() const {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace vtepd
