// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace vtepd::registry {

using Json = nlohmann::ordered_json;  // Docker's order of members is part of what we write

// As Go's encoder writes it: no blanks, and '<', '>', '&' as \u escapes.
std::string to_text(const Json& json);

// Invalid unless the text is one JSON value.
Result<Json> parse_json(std::string_view text);

// Reads the members of an object and remembers the first mistake; the readers answer a default
// after it. Ask error() before using what was read.
class Members {
 public:
  // `where` names the object in errors: the key, and the field for an inner object.
  Members(const Json& object, std::string where);

  std::string text(const char* name, bool required, std::string fallback = {});
  bool flag(const char* name, bool required, bool fallback = false);
  std::uint64_t number(const char* name, bool required, std::uint64_t largest,
                       std::uint64_t fallback = 0);
  // Null if absent or null.
  const Json* array(const char* name);
  const Json* object(const char* name, bool required);

  void refuse(const char* name, const std::string& why);

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  const Json* find(const char* name, bool required);

  const Json& object_;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace vtepd::registry
