// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// A mistake in a document and where it is.
struct Problem {
  Place place;
  std::string message;
};

// What the configuration needs to know of a TOML value.
struct Value {
  enum class Kind { Table, Array, String, Integer, Fraction, Boolean, Time };
  struct Member;

  Kind kind = Kind::Table;
  Place place;
  std::string text;             // String
  std::int64_t number = 0;      // Integer
  std::vector<Member> members;  // Table; keys are unique
  std::vector<Value> items;     // Array

  [[nodiscard]] const Value* get(std::string_view key) const;
};

struct Value::Member {
  std::string key;
  Place place;  // of the key
  Value value;
};

// The whole document as a table, or why it is no TOML.
tl::expected<Value, Problem> parse_toml(std::string_view text);

}  // namespace vtepd
