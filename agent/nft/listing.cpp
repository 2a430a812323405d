// SPDX-License-Identifier: GPL-2.0-only
#include "nft/listing.h"

#include "nft/numbers.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <nlohmann/json.hpp>

namespace vtepd::nft {

namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value);

// nft writes a number as one, or in hexadecimal where it is long.
std::string text_of_string(std::string text) {
  const bool number = text.starts_with("0x") && text.size() > 2 &&
                      std::all_of(text.begin() + 2, text.end(),
                                  [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (number) {
    const auto first = std::min(text.find_first_not_of('0', 2), text.size() - 1);
    text.erase(2, first - 2);
  }
  return text;
}

std::string text_of_list(const Json& values, const char* joint) {
  std::string text;
  for (const auto& value : values) {
    text += (text.empty() ? "" : joint) + text_of(value);
  }
  return text;
}

// An expression as it stands in an Element; empty if it is of a kind that we never write.
std::string text_of(const Json& value) {
  if (value.is_string()) {
    return text_of_string(value.get<std::string>());
  }
  if (value.is_number_unsigned()) {
    return hex(value.get<std::uint64_t>());
  }
  if (!value.is_object() || value.size() != 1) {
    return "";
  }
  const auto member = value.begin();
  const std::string& kind = member.key();
  const Json& inner = member.value();
  if (kind == "concat" && inner.is_array()) {
    return text_of_list(inner, " . ");
  }
  if (kind == "range" && inner.is_array()) {
    return text_of_list(inner, "-");
  }
  if (kind == "prefix") {
    return text_of(inner.at("addr")) + "/" + std::to_string(inner.at("len").get<unsigned>());
  }
  return "";
}

Count count_of(const Json& counter) {
  return {0, counter.at("packets").get<std::uint64_t>(), counter.at("bytes").get<std::uint64_t>()};
}

// {"elem": {"val": …, "counter": {…}}}; without either, the key alone.
void read_element(const std::string& set, const Json& element, Listing& listing) {
  if (element.is_array() && element.size() == 2) {
    listing.elements[{set, text_of(element.at(0))}] = text_of(element.at(1));
    return;
  }
  const bool detailed = element.is_object() && element.contains("elem");
  const Json& key = detailed ? element.at("elem").at("val") : element;
  listing.elements[{set, text_of(key)}] = "";
  if (detailed && element.at("elem").contains("counter")) {
    Count count = count_of(element.at("elem").at("counter"));
    count.key = key.is_number_unsigned() ? key.get<std::uint32_t>() : 0;
    listing.counts.emplace_back(set, count);
  }
}

void read_set(const Json& set, Listing& listing) {
  const auto name = set.at("name").get<std::string>();
  if (const auto elements = set.find("elem"); elements != set.end()) {
    for (const auto& element : *elements) {
      read_element(name, element, listing);
    }
  }
}

void read_object(const std::string& kind, Json& object, Listing& listing, std::string& rules) {
  if (kind == "set" || kind == "map") {
    read_set(object, listing);
    rules += object.at("name").get<std::string>();
  } else if (kind == "counter") {
    listing.counts.emplace_back(object.at("name").get<std::string>(), count_of(object));
  } else if (kind == "chain" || kind == "rule") {
    object.erase("handle");
    rules += object.dump();
  }
}

// Calls `read(kind, object)` for each object listed.
template <typename Read>
Result<void> read_all(const std::string& json, Read read) {
  try {
    auto document = Json::parse(json);
    for (auto& object : document.at("nftables")) {
      for (const auto& [kind, value] : object.items()) {
        read(kind, value);
      }
    }
  } catch (const Json::exception& error) {
    return fail(ErrorKind::Internal,
                std::string("what libnftables lists cannot be read: ") + error.what());
  }
  return {};
}

}  // namespace

Result<Listing> parse_listing(const std::string& json) {
  Listing listing;
  std::string rules;
  auto read = read_all(json, [&](const std::string& kind, Json& object) {
    read_object(kind, object, listing, rules);
  });
  if (!read) {
    return fail(std::move(read).error());
  }
  listing.rules = hash_bytes(rules.data(), rules.size());
  return listing;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_tables(const std::string& json) {
  std::vector<std::pair<std::string, std::string>> tables;
  auto read = read_all(json, [&](const std::string& kind, const Json& object) {
    if (kind == "table") {
      tables.emplace_back(object.at("family").get<std::string>(),
                          object.at("name").get<std::string>());
    }
  });
  if (!read) {
    return fail(std::move(read).error());
  }
  return tables;
}

}  // namespace vtepd::nft
