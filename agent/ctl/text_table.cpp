// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/text_table.h"

#include <algorithm>
#include <cstddef>

namespace vtepd::ctl {

namespace {

constexpr std::size_t kGap = 2;

// Of UTF-8: its characters, taking each as one cell wide.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                    const std::vector<TextTable::Column>& columns) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - width_of(cells[i]), ' ');
    line += columns[i].number ? padding + cells[i] : cells[i] + padding;
    line.append(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string TextTable::text() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& column : columns_) {
    lines.front().push_back(column.heading);
  }
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      line.push_back(i < row.size() && !row[i].empty() ? printable(row[i]) : "-");
    }
  }
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  }
  std::string text;
  for (const auto& line : lines) {
    text += line_of(line, widths, columns_);
  }
  return text;
}

}  // namespace vtepd::ctl
