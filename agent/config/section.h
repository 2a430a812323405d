// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "config/document.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// Mistakes of one document, reported in the order of their places.
class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}

  void add(Place place, std::string message);

  [[nodiscard]] bool empty() const { return problems_.empty(); }

  [[nodiscard]] std::string text() const;

 private:
  std::string file_;
  std::vector<Problem> problems_;
};

// Reads the keys of one table of the document. A key that is absent leaves its target as it is; one
// with a wrong type or value is reported and does too. finish() reports the keys nobody asked for.
class Section {
 public:
  // Returns a complaint about a value, or nothing.
  using Check = std::function<std::optional<std::string>(const std::string&)>;

  // `name` is empty for the top level. A table that is absent or no table reads as empty.
  Section(const Value& document, std::string name, Problems& problems);

  void string(std::string_view key, std::string& target, const Check& check = nullptr);
  void strings(std::string_view key, std::vector<std::string>& target,
               const Check& check = nullptr);  // an array of them
  void choice(std::string_view key, std::string& target, const std::vector<std::string>& allowed,
              const std::vector<std::string>& not_built = {});

  template <typename T>
  void integer(std::string_view key, T& target, std::int64_t lowest, std::int64_t highest) {
    if (const auto value = checked_integer(key, lowest, highest)) {
      target = static_cast<T>(*value);
    }
  }

  // Names of tables, so that the top level knows them.
  void tables(const std::vector<std::string>& names);
  void finish();

  [[nodiscard]] bool has(std::string_view key) const { return table_->get(key) != nullptr; }

  void complain(std::string_view key, const std::string& message);  // about a value
  void complain(const std::string& message);                        // about the table

 private:
  const Value* find(std::string_view key);
  std::optional<std::int64_t> checked_integer(std::string_view key, std::int64_t lowest,
                                              std::int64_t highest);
  void wrong_type(std::string_view key, const Value& value, std::string_view wanted);
  void unknown(const Value::Member& member);
  [[nodiscard]] std::string path(std::string_view key) const;

  Value empty_;
  const Value* table_;
  std::string name_;
  Problems& problems_;
  std::vector<std::string> known_;
  std::vector<std::string> known_tables_;
};

}  // namespace vtepd
