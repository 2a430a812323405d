// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

namespace vtepd::ctl {

// Rows under headings, each column as wide as its content, numbers to the right. An empty cell is
// shown as "-".
class TextTable {
 public:
  struct Column {
    std::string heading;
    bool number = false;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// What a terminal may be given: control characters, which names from elsewhere can hold, become
// '?'.
[[nodiscard]] std::string printable(std::string text);

}  // namespace vtepd::ctl
