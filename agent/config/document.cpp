// SPDX-License-Identifier: GPL-2.0-only
#include "config/document.h"

#include <string>
#include <string_view>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace vtepd {

namespace {

Place place_of(const toml::source_region& region) {
  return region.begin ? Place{region.begin.line, region.begin.column} : Place{};
}

Value::Kind kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return Value::Kind::Table;
    case toml::node_type::array:
      return Value::Kind::Array;
    case toml::node_type::string:
      return Value::Kind::String;
    case toml::node_type::integer:
      return Value::Kind::Integer;
    case toml::node_type::floating_point:
      return Value::Kind::Fraction;
    case toml::node_type::boolean:
      return Value::Kind::Boolean;
    default:
      return Value::Kind::Time;
  }
}

// toml++ bounds the nesting.
Value convert(const toml::node& node) {
  Value value;
  value.kind = kind_of(node);
  value.place = place_of(node.source());
  if (const auto* text = node.as_string()) {
    value.text = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.number = number->get();
  } else if (const auto* array = node.as_array()) {
    for (const auto& item : *array) {
      value.items.push_back(convert(item));
    }
  } else if (const auto* table = node.as_table()) {
    for (const auto& [key, member] : *table) {
      value.members.push_back({std::string(key.str()), place_of(key.source()), convert(member)});
    }
  }
  return value;
}

// The text with comments' characters outside ASCII replaced by '?'; the place of the first such
// character elsewhere. toml++ 3.3 has undefined behaviour in its classification of characters from
// U+00A0 on, and nothing that is configured needs one, so it is given none at all.
tl::expected<std::string, Place> to_ascii(std::string_view text) {
  std::string ascii(text);
  Place place;
  char quote = 0;
  bool comment = false;
  bool escaped = false;
  for (char& c : ascii) {
    const bool outside = static_cast<unsigned char>(c) >= 0x80;
    if (outside && !comment) {
      return tl::unexpected(place);
    }
    if (outside) {
      c = '?';
    } else if (c == '\n') {
      place = {place.line + 1, 0};
      quote = 0;
      comment = false;
    } else if (!comment && quote == 0) {
      comment = c == '#';
      quote = c == '"' || c == '\'' ? c : '\0';
    } else if (c == quote && !escaped) {
      quote = 0;
    }
    escaped = quote == '"' && c == '\\' && !escaped;
    ++place.column;
  }
  return ascii;
}

}  // namespace

const Value* Value::get(std::string_view key) const {
  for (const auto& member : members) {
    if (member.key == key) {
      return &member.value;
    }
  }
  return nullptr;
}

tl::expected<Value, Problem> parse_toml(std::string_view text) {
  const auto ascii = to_ascii(text);
  if (!ascii) {
    return tl::unexpected(
        Problem{ascii.error(), "a character outside ASCII can stand in a comment only"});
  }
  const toml::parse_result result = toml::parse(*ascii);
  if (result.failed()) {
    const auto& error = result.error();
    return tl::unexpected(Problem{place_of(error.source()), std::string(error.description())});
  }
  return convert(result.table());
}

}  // namespace vtepd
