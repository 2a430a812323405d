// SPDX-License-Identifier: GPL-2.0-only
#include "serf/child_output.h"

#include <utility>

namespace vtepd::serf {

namespace {

// "    2026/11/25 21:47:00 [ERR] agent: text" or "==> text": the text. Empty if it tells of no
// error.
std::string_view error_in(std::string_view line) {
  for (const std::string_view mark : {"[ERR] ", "==> "}) {
    if (const auto at = line.find(mark); at != std::string_view::npos) {
      const auto text = line.substr(at + mark.size());
      // The agent's banner has the second mark too.
      const bool banner =
          mark == "==> " && (text.starts_with("Starting Serf") || text.starts_with("Serf agent") ||
                             text.starts_with("Log data") || text.starts_with("Caught signal") ||
                             text.starts_with("Gracefully"));
      return banner ? std::string_view() : text;
    }
  }
  // A program that cannot be run, or Go's last words.
  const bool last_words = line.starts_with("cannot run ") || line.starts_with("panic: ") ||
                          line.starts_with("fatal error: ") ||
                          line.starts_with("flag provided but not defined");
  return last_words ? line : std::string_view();
}

}  // namespace

void ChildOutput::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      end_line();
    } else if (line_.size() < kMaxLine) {
      const bool plain = (c >= ' ' && c != 0x7f) || static_cast<unsigned char>(c) >= 0x80;
      line_ += plain ? c : ' ';
    }
  }
}

void ChildOutput::end_line() {
  const auto line = std::exchange(line_, {});
  const auto first = line.find_first_not_of(' ');
  if (first == std::string::npos) {
    return;
  }
  const auto text = line.substr(first);
  if (const auto error = error_in(text); !error.empty()) {
    trouble_ = error;
  }
  on_line_(text);
}

}  // namespace vtepd::serf
