// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace vtepd {

enum class LibbpfLevel { Warning, Info, Debug };
using LibbpfSink = std::function<void(LibbpfLevel level, std::string_view line)>;

// Takes libbpf's prints off stderr. They go to `sink`, nowhere if it is empty; the last warnings
// are kept for error texts. libbpf has one print function per process, so this is one per process.
void capture_libbpf_output(LibbpfSink sink);
// Ditto, without changing the sink.
void quiet_libbpf();

// "" or ": <last warnings of libbpf>", which are forgotten with it.
[[nodiscard]] std::string take_libbpf_warnings();

}  // namespace vtepd
