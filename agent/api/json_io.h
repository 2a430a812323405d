// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace vtepd {

// One list of fields per type serves both directions:
//   template <typename Io, Is<FdbView> Row>
//   void describe(Io& io, Row& row) { io.field("vni", row.vni); ... }
template <typename T, typename Plain>
concept Is = std::same_as<std::remove_const_t<T>, Plain>;

template <typename Io, typename T>
concept Described = requires(Io& io, T& value) {
  describe(io, value);
};

// Writes values below one node of a document. An absent optional and an unset address are null.
class JsonWriter {
 public:
  explicit JsonWriter(void* node) : node_(node) {}

  template <typename T>
  void field(std::string_view key, const T& value) {
    JsonWriter(member(key)).value(value);
  }

  template <typename T>
  void required(std::string_view key, const T& value) {
    field(key, value);
  }

  template <typename Fields>
  void object(std::string_view key, Fields fields) {
    JsonWriter inner(member(key));
    inner.begin_object();
    fields(inner);
  }

  void value(const std::string& text);
  void value(bool flag);
  void value(std::uint64_t number);
  void value(std::int64_t number);

  void value(std::uint32_t number) { value(std::uint64_t{number}); }

  void value(std::uint16_t number) { value(std::uint64_t{number}); }

  void value(Vni vni) { value(std::uint64_t{vni.value}); }

  void value(std::chrono::seconds seconds) { value(std::int64_t{seconds.count()}); }

  void value(const MacAddress& mac) { value(mac.to_string()); }

  void value(const IpPrefix& prefix) { value(prefix.to_string()); }

  void value(const IpAddress& address);
  void value(const std::map<std::string, std::string>& entries);

  template <typename T>
  void value(const std::optional<T>& maybe) {
    if (maybe) {
      value(*maybe);
    }
  }

  template <typename T>
  void value(const std::vector<T>& rows) {
    begin_array();
    for (const auto& row : rows) {
      JsonWriter(item()).value(row);
    }
  }

  template <typename T>
  requires Described<JsonWriter, const T>

  void value(const T& row) {
    begin_object();
    describe(*this, row);
  }

  void begin_object();

 private:
  void begin_array();
  void* member(std::string_view key);
  void* item();

  void* node_;
};

// Reads values below one node of a document. The first mistake is kept and everything after it
// ignored; it names the field by its path and the value. Strict reading (of requests) also refuses
// fields that nobody asked for and a VNI of 0, which in a view means "none".
class JsonReader {
 public:
  struct Outcome {
    bool strict = false;
    std::string mistake;
  };

  JsonReader(const void* node, Outcome& outcome) : node_(node), outcome_(outcome) {}

  template <typename T>
  void field(std::string_view key, T& target) {
    if (const void* node = find(key)) {
      JsonReader(node, outcome_, *this, key).value(target);
    }
  }

  template <typename T>
  void required(std::string_view key, T& target) {
    if (!has(key)) {
      fail("field '" + path_of(key) + "' is missing");
    }
    field(key, target);
  }

  template <typename Fields>
  void object(std::string_view key, Fields fields) {
    if (const void* node = find(key)) {
      JsonReader inner(node, outcome_, *this, key);
      if (inner.is_object()) {
        fields(inner);
        inner.finish();
      }
    }
  }

  void value(std::string& text);
  void value(bool& flag);
  void value(std::uint64_t& number);
  void value(std::uint32_t& number);
  void value(std::uint16_t& number);
  void value(std::int64_t& number);
  void value(std::chrono::seconds& seconds);  // not negative, at most a day
  void value(Vni& vni);
  void value(MacAddress& mac);
  void value(IpPrefix& prefix);
  void value(IpAddress& address);
  void value(std::map<std::string, std::string>& entries);

  template <typename T>
  void value(std::optional<T>& maybe) {
    maybe.reset();
    if (!is_null()) {
      value(maybe.emplace());
    }
  }

  template <typename T>
  void value(std::vector<T>& rows) {
    rows.clear();
    const std::size_t count = size();
    rows.reserve(count);
    for (std::size_t i = 0; i < count && outcome_.mistake.empty(); ++i) {
      JsonReader(item(i), outcome_, *this, i).value(rows.emplace_back());
    }
  }

  template <typename T>
  requires Described<JsonReader, T>

  void value(T& row) {
    if (is_object()) {
      describe(*this, row);
      finish();
    }
  }

  [[nodiscard]] bool is_object();  // a mistake if not
  void finish();                   // of an object
  void fail(const std::string& mistake);
  // About this value: "field 'a.b' is <value>: <complaint>".
  void refuse(std::string_view complaint);

 private:
  JsonReader(const void* node, Outcome& outcome, const JsonReader& parent, std::string_view key)
      : node_(node), outcome_(outcome), parent_(&parent), key_(key) {}

  JsonReader(const void* node, Outcome& outcome, const JsonReader& parent, std::size_t index)
      : node_(node), outcome_(outcome), parent_(&parent), index_(index) {}

  const void* find(std::string_view key);  // nullptr: absent
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] bool is_null() const;
  std::size_t size();  // of an array
  [[nodiscard]] const void* item(std::size_t index) const;
  std::uint64_t number_up_to(std::uint64_t highest);
  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string path_of(std::string_view key) const;
  template <typename T>
  void parsed(Result<T> (*parse)(std::string_view), T& target);

  const void* node_;
  Outcome& outcome_;
  const JsonReader* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  std::vector<std::string_view> known_;
};

// A JSON document. Only json_io.cpp knows the library underneath.
class JsonDocument {
 public:
  JsonDocument();  // an empty object
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  // Invalid if it is no JSON, nested deeper than 16 levels or no object.
  static Result<JsonDocument> parse(std::string_view text);
  [[nodiscard]] std::string text(bool indented = false) const;
  [[nodiscard]] JsonWriter writer();
  [[nodiscard]] JsonReader reader(JsonReader::Outcome& outcome) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vtepd
