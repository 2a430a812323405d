// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/libbpf_output.h"

#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <mutex>
#include <utility>

#include <bpf/libbpf.h>

namespace vtepd {

namespace {

constexpr std::size_t kWarningsKept = 6;
constexpr std::size_t kLongestLine = 1024;

struct Output {
  std::mutex mutex;
  bool captured = false;
  LibbpfSink sink;
  std::deque<std::string> warnings;
};

Output& output() {
  static Output instance;
  return instance;
}

__attribute__((format(printf, 2, 0))) int print(libbpf_print_level level, const char* format,
                                                va_list arguments) {
  std::array<char, kLongestLine> buffer{};
  const int written = std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  std::string line(buffer.data());
  while (!line.empty() && line.back() == '\n') {
    line.pop_back();
  }
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  if (level == LIBBPF_WARN) {
    out.warnings.push_back(line);
    if (out.warnings.size() > kWarningsKept) {
      out.warnings.pop_front();
    }
  }
  if (out.sink) {
    out.sink(level == LIBBPF_WARN   ? LibbpfLevel::Warning
             : level == LIBBPF_INFO ? LibbpfLevel::Info
                                    : LibbpfLevel::Debug,
             line);
  }
  return written;
}

void install(Output& out) {
  if (!std::exchange(out.captured, true)) {
    libbpf_set_print(print);
  }
}

}  // namespace

void capture_libbpf_output(LibbpfSink sink) {
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  out.sink = std::move(sink);
  install(out);
}

void quiet_libbpf() {
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  install(out);
}

std::string take_libbpf_warnings() {
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  std::string text;
  for (const std::string& line : std::exchange(out.warnings, {})) {
    text += (text.empty() ? ": " : "; ") + line;
  }
  return text;
}

}  // namespace vtepd
