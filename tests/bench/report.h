// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/statistics.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace vtepd::bench {

using Json = nlohmann::ordered_json;

// One row: what a subject made of a work with so many entries in its tables.
struct Row {
  std::string work;
  std::string subject;
  std::uint64_t entries = 0;
  std::string unit;
  Summary summary;
  // Further figures of the same runs, as medians, by name: "p99", "cpu_s_per_gb", "loss".
  std::map<std::string, double> extra{};
};

struct Report {
  Json bed;  // the machine and the build
  std::vector<Row> rows;
  std::vector<std::string> failures;  // sentences; a work that failed has no row for that subject
};

// {"bed": …, "results": […]}, and "failures" if there are any.
[[nodiscard]] Json to_json(const Report& report);
// The reverse. Throws nlohmann::json::exception if it is none.
[[nodiscard]] Report from_json(const Json& document);

// "1,234", "12.3", "0.456": three digits or more.
[[nodiscard]] std::string figure(double value);
// "1,000,000"
[[nodiscard]] std::string count(std::uint64_t value);
// For a terminal: one line per row.
[[nodiscard]] std::string to_table(const std::vector<Row>& rows);

// Of the program: 1 if anything failed, or if there is nothing to report.
[[nodiscard]] int exit_code(const Report& report);

}  // namespace vtepd::bench
