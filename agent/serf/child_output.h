// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace vtepd::serf {

// Lines that the agent prints: handed on one by one, and the last one that tells of an error kept
// as the reason why it ended.
class ChildOutput {
 public:
  static constexpr std::size_t kMaxLine = 2048;  // the rest of a line is dropped

  explicit ChildOutput(std::function<void(const std::string&)> on_line)
      : on_line_(std::move(on_line)) {}

  void feed(std::string_view bytes);

  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void end_line();

  std::function<void(const std::string&)> on_line_;
  std::string line_;
  std::string trouble_;
};

}  // namespace vtepd::serf
