// SPDX-License-Identifier: GPL-2.0-only
#include "consul/pair_stream.h"

#include "consul/pair_object.h"

#include <utility>

namespace vtepd::consul {

struct PairStream::Parser {
  simdjson::ondemand::parser json;
};

PairStream::PairStream(Take take) : parser_(std::make_unique<Parser>()), take_(std::move(take)) {}

PairStream::~PairStream() = default;

Result<void> PairStream::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (place_ != Place::InObject) {
      if (auto taken = take_between(bytes.front()); !taken) {
        return taken;
      }
      bytes.remove_prefix(place_ == Place::InObject ? 0 : 1);
      continue;
    }
    const auto size = skip_object(bytes);
    object_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (depth_ == 0) {
      if (auto ended = end_object(); !ended) {
        return ended;
      }
    }
  }
  return {};
}

// What stands between the objects. The bracket that opens one is left to skip_object().
Result<void> PairStream::take_between(char c) {
  if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
    return {};
  }
  if (c == '{' && (place_ == Place::FirstObject || place_ == Place::Object)) {
    place_ = Place::InObject;
  } else if (c == '[' && place_ == Place::Begin) {
    place_ = Place::FirstObject;
  } else if (c == ',' && place_ == Place::CommaOrEnd) {
    place_ = Place::Object;
  } else if (c == ']' && (place_ == Place::FirstObject || place_ == Place::CommaOrEnd)) {
    place_ = Place::AfterEnd;
  } else if (place_ == Place::AfterEnd) {
    return garbage("something follows the end of the list");
  } else {
    return garbage("a list of objects is not one");
  }
  return {};
}

// How many of the bytes belong to the object that is open, or is about to be.
std::size_t PairStream::skip_object(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      return i + 1;
    }
  }
  return bytes.size();
}

Result<void> PairStream::end_object() {
  place_ = Place::CommaOrEnd;
  const auto size = object_.size();
  // The parser reads, but does not use, what stands behind the end.
  object_.append(simdjson::SIMDJSON_PADDING, ' ');
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  auto error = parser_->json.iterate(object_.data(), size, object_.size()).get(document);
  if (error == simdjson::SUCCESS) {
    error = document.get_object().get(object);
  }
  if (error != simdjson::SUCCESS) {
    return garbage(error);
  }
  const auto pair = read_pair(object);
  auto taken = pair ? take_(*pair) : fail(pair.error());
  object_.clear();
  return taken;
}

Result<void> PairStream::finish() {
  return place_ == Place::AfterEnd ? Result<void>() : garbage("it ends in the middle");
}

}  // namespace vtepd::consul
