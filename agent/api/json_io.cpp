// SPDX-License-Identifier: GPL-2.0-only
#include "api/json_io.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

namespace vtepd {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 16;
constexpr std::size_t kShownValue = 64;
constexpr std::uint64_t kLongestWait = 86400;

Json& json(void* node) {
  return *static_cast<Json*>(node);
}

const Json& json(const void* node) {
  return *static_cast<const Json*>(node);
}

// Names and paths come from elsewhere and need not be UTF-8; dump() throws unless told to mend.
std::string dump(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string shown(const Json& value) {
  auto text = dump(value);
  if (text.size() > kShownValue) {
    auto cut = kShownValue;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80U) {
      --cut;  // not inside of a UTF-8 sequence
    }
    text = text.substr(0, cut) + "...";
  }
  return text;
}

}  // namespace

struct JsonDocument::Impl {
  Json root = Json::object();
};

JsonDocument::JsonDocument() : impl_(std::make_unique<Impl>()) {}

JsonDocument::~JsonDocument() = default;

JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;

JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  JsonDocument document;
  bool too_deep = false;
  const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    document.impl_->root = Json::parse(text.begin(), text.end(), bounded);
  } catch (const Json::parse_error& error) {
    return vtepd::fail(ErrorKind::Invalid,
                       "the body is no JSON, from byte " + std::to_string(error.byte) + " on");
  } catch (const Json::exception&) {
    return vtepd::fail(ErrorKind::Invalid, "the body has a number that is out of range");
  }
  if (too_deep) {
    return vtepd::fail(ErrorKind::Invalid, "the body is nested deeper than 16 levels");
  }
  if (!document.impl_->root.is_object()) {
    return vtepd::fail(ErrorKind::Invalid,
                       "the body must be an object, not " + shown(document.impl_->root));
  }
  return document;
}

std::string JsonDocument::text(bool indented) const {
  return dump(impl_->root, indented ? 2 : -1) + "\n";
}

JsonWriter JsonDocument::writer() {
  return JsonWriter(&impl_->root);
}

JsonReader JsonDocument::reader(JsonReader::Outcome& outcome) const {
  return JsonReader(&impl_->root, outcome);
}

void JsonWriter::begin_object() {
  json(node_) = Json::object();
}

void JsonWriter::begin_array() {
  json(node_) = Json::array();
}

void* JsonWriter::member(std::string_view key) {
  return &json(node_)[std::string(key)];
}

void* JsonWriter::item() {
  return &json(node_).emplace_back();
}

void JsonWriter::value(const std::string& text) {
  json(node_) = text;
}

void JsonWriter::value(bool flag) {
  json(node_) = flag;
}

void JsonWriter::value(std::uint64_t number) {
  json(node_) = number;
}

void JsonWriter::value(std::int64_t number) {
  json(node_) = number;
}

void JsonWriter::value(const IpAddress& address) {
  if (!address.is_unspecified()) {
    value(address.to_string());
  }
}

void JsonWriter::value(const std::map<std::string, std::string>& entries) {
  begin_object();
  for (const auto& [key, text] : entries) {
    json(node_)[key] = text;
  }
}

void JsonReader::fail(const std::string& mistake) {
  if (outcome_.mistake.empty()) {
    outcome_.mistake = mistake;
  }
}

void JsonReader::refuse(std::string_view complaint) {
  fail("field '" + path() + "' is " + shown(json(node_)) + ": " + std::string(complaint));
}

std::string JsonReader::path() const {
  if (parent_ == nullptr) {
    return "";
  }
  return key_.empty() ? parent_->path() + "[" + std::to_string(index_) + "]"
                      : parent_->path_of(key_);
}

std::string JsonReader::path_of(std::string_view key) const {
  const auto own = path();
  return (own.empty() ? "" : own + ".") + std::string(key);
}

bool JsonReader::has(std::string_view key) const {
  return json(node_).contains(std::string(key));
}

const void* JsonReader::find(std::string_view key) {
  known_.push_back(key);
  const auto found = json(node_).find(std::string(key));
  return found == json(node_).end() ? nullptr : &*found;
}

bool JsonReader::is_null() const {
  return json(node_).is_null();
}

bool JsonReader::is_object() {
  if (!json(node_).is_object()) {
    refuse("it must be an object");
    return false;
  }
  return true;
}

void JsonReader::finish() {
  if (!outcome_.strict) {
    return;
  }
  for (const auto& [key, member] : json(node_).items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      fail("unknown field '" + path_of(key) + "'");
    }
  }
}

std::size_t JsonReader::size() {
  if (!json(node_).is_array()) {
    refuse("it must be an array");
    return 0;
  }
  return json(node_).size();
}

const void* JsonReader::item(std::size_t index) const {
  return &json(node_)[index];
}

void JsonReader::value(std::string& text) {
  if (!json(node_).is_string()) {
    refuse("it must be a string");
    return;
  }
  text = json(node_).get_ref<const std::string&>();
}

void JsonReader::value(bool& flag) {
  if (!json(node_).is_boolean()) {
    refuse("it must be true or false");
    return;
  }
  flag = json(node_).get<bool>();
}

std::uint64_t JsonReader::number_up_to(std::uint64_t highest) {
  if (json(node_).is_number_unsigned() && json(node_).get<std::uint64_t>() <= highest) {
    return json(node_).get<std::uint64_t>();
  }
  refuse("it must be a whole number in 0 ... " + std::to_string(highest));
  return 0;
}

void JsonReader::value(std::uint64_t& number) {
  number = number_up_to(std::numeric_limits<std::uint64_t>::max());
}

void JsonReader::value(std::uint32_t& number) {
  number = static_cast<std::uint32_t>(number_up_to(std::numeric_limits<std::uint32_t>::max()));
}

void JsonReader::value(std::uint16_t& number) {
  number = static_cast<std::uint16_t>(number_up_to(std::numeric_limits<std::uint16_t>::max()));
}

void JsonReader::value(std::int64_t& number) {
  number = static_cast<std::int64_t>(
      number_up_to(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

void JsonReader::value(std::chrono::seconds& seconds) {
  seconds = std::chrono::seconds(number_up_to(kLongestWait));
}

void JsonReader::value(Vni& vni) {
  vni.value = static_cast<std::uint32_t>(number_up_to(Vni::kMax));
  if (vni.value == 0 && outcome_.strict) {
    refuse("it must be a whole number in 1 ... 16777215");
  }
}

template <typename T>
void JsonReader::parsed(Result<T> (*parse)(std::string_view), T& target) {
  std::string text;
  value(text);
  if (!outcome_.mistake.empty()) {
    return;
  }
  if (const auto result = parse(text)) {
    target = *result;
  } else {
    refuse(result.error().what);
  }
}

void JsonReader::value(MacAddress& mac) {
  parsed(&MacAddress::parse, mac);
}

void JsonReader::value(IpPrefix& prefix) {
  parsed(&IpPrefix::parse, prefix);
}

void JsonReader::value(IpAddress& address) {
  if (is_null() && !outcome_.strict) {
    address = IpAddress{};
    return;
  }
  parsed(&IpAddress::parse, address);
}

void JsonReader::value(std::map<std::string, std::string>& entries) {
  entries.clear();
  if (!is_object()) {
    return;
  }
  for (const auto& [key, member] : json(node_).items()) {
    JsonReader(&member, outcome_, *this, key).value(entries[key]);
  }
}

}  // namespace vtepd
