// SPDX-License-Identifier: GPL-2.0-only
#include "registry/json_text.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace vtepd::registry {

std::string to_text(const Json& json) {
  const auto plain = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string text;
  text.reserve(plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const auto rest = std::string_view(plain).substr(i);
    if (plain[i] == '<') {
      text += "\\u003c";
    } else if (plain[i] == '>') {
      text += "\\u003e";
    } else if (plain[i] == '&') {
      text += "\\u0026";
    } else if (rest.starts_with("\u2028") || rest.starts_with("\u2029")) {
      text += rest.starts_with("\u2028") ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      text += plain[i];
    }
  }
  return text;
}

Result<Json> parse_json(std::string_view text) {
  auto json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) {
    return fail(ErrorKind::Invalid, "not JSON");
  }
  return json;
}

Members::Members(const Json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) {
    error_ = Error{ErrorKind::Invalid, where_ + ": not a JSON object"};
  }
}

void Members::refuse(const char* name, const std::string& why) {
  if (!error_) {
    error_ = Error{ErrorKind::Invalid, where_ + ": field '" + name + "' " + why};
  }
}

const Json* Members::find(const char* name, bool required) {
  if (error_) {
    return nullptr;
  }
  const auto found = object_.find(name);
  if (found == object_.end()) {
    if (required) {
      refuse(name, "is missing");
    }
    return nullptr;
  }
  return &*found;
}

std::string Members::text(const char* name, bool required, std::string fallback) {
  const auto* member = find(name, required);
  if (member == nullptr) {
    return fallback;
  }
  if (!member->is_string()) {
    refuse(name, "is not a string");
    return fallback;
  }
  return member->get<std::string>();
}

bool Members::flag(const char* name, bool required, bool fallback) {
  const auto* member = find(name, required);
  if (member == nullptr) {
    return fallback;
  }
  if (!member->is_boolean()) {
    refuse(name, "is neither true nor false");
    return fallback;
  }
  return member->get<bool>();
}

std::uint64_t Members::number(const char* name, bool required, std::uint64_t largest,
                              std::uint64_t fallback) {
  const auto* member = find(name, required);
  if (member == nullptr) {
    return fallback;
  }
  if (!member->is_number_unsigned() || member->get<std::uint64_t>() > largest) {
    refuse(name, "is not an integer from 0 to " + std::to_string(largest));
    return fallback;
  }
  return member->get<std::uint64_t>();
}

const Json* Members::array(const char* name) {
  const auto* member = find(name, false);
  if (member == nullptr || member->is_null()) {
    return nullptr;
  }
  if (!member->is_array()) {
    refuse(name, "is not an array");
    return nullptr;
  }
  return member;
}

const Json* Members::object(const char* name, bool required) {
  const auto* member = find(name, required);
  if (member == nullptr || (member->is_null() && !required)) {
    return nullptr;
  }
  if (!member->is_object()) {
    refuse(name, "is not an object");
    return nullptr;
  }
  return member;
}

}  // namespace vtepd::registry
