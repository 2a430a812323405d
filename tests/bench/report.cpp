// SPDX-License-Identifier: GPL-2.0-only
#include "bench/report.h"

#include "ctl/text_table.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <set>

namespace vtepd::bench {

namespace {

const std::set<std::string>& own_fields() {
  static const std::set<std::string> fields{"work",   "subject", "entries", "unit",
                                            "median", "min",     "max",     "runs"};
  return fields;
}

Json row_to_json(const Row& row) {
  Json out{{"work", row.work},       {"subject", row.subject},       {"entries", row.entries},
           {"unit", row.unit},       {"median", row.summary.median}, {"min", row.summary.min},
           {"max", row.summary.max}, {"runs", row.summary.runs}};
  for (const auto& [name, value] : row.extra) {
    out[name] = value;
  }
  return out;
}

Row row_from_json(const Json& document) {
  Row row{.work = document.at("work"),
          .subject = document.at("subject"),
          .entries = document.at("entries"),
          .unit = document.at("unit"),
          .summary = {.median = document.at("median"),
                      .min = document.at("min"),
                      .max = document.at("max"),
                      .runs = document.at("runs")}};
  for (const auto& [name, value] : document.items()) {
    if (!own_fields().contains(name)) {
      row.extra[name] = value;
    }
  }
  return row;
}

std::string with_commas(const std::string& digits) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      out += ',';
    }
    out += digits[i];
  }
  return out;
}

}  // namespace

Json to_json(const Report& report) {
  Json results = Json::array();
  for (const Row& row : report.rows) {
    results.push_back(row_to_json(row));
  }
  Json out{{"bed", report.bed}, {"results", std::move(results)}};
  if (!report.failures.empty()) {
    out["failures"] = report.failures;
  }
  return out;
}

Report from_json(const Json& document) {
  Report report{.bed = document.at("bed"), .rows = {}, .failures = {}};
  for (const Json& row : document.at("results")) {
    report.rows.push_back(row_from_json(row));
  }
  if (document.contains("failures")) {
    report.failures = document.at("failures").get<std::vector<std::string>>();
  }
  return report;
}

std::string figure(double value) {
  const double size = std::fabs(value);
  if (size >= 100) {
    const std::string digits = std::to_string(std::llround(size));
    return (value < 0 ? "-" : "") + with_commas(digits);
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), size >= 10 ? "%.1f" : "%.3g", value);
  return text.data();
}

std::string count(std::uint64_t value) {
  return with_commas(std::to_string(value));
}

std::string to_table(const std::vector<Row>& rows) {
  ctl::TextTable table({{"WORK"},
                        {"SUBJECT"},
                        {"ENTRIES", true},
                        {"MEDIAN", true},
                        {"MIN", true},
                        {"MAX", true},
                        {"UNIT"},
                        {"RUNS", true},
                        {"BESIDES"}});
  std::string work;
  for (const Row& row : rows) {
    std::string extra;
    for (const auto& [name, value] : row.extra) {
      extra += (extra.empty() ? "" : ", ") + name + " " + figure(value);
    }
    table.add({row.work == work ? " " : row.work, row.subject, count(row.entries),
               figure(row.summary.median), figure(row.summary.min), figure(row.summary.max),
               row.unit, std::to_string(row.summary.runs), extra});
    work = row.work;
  }
  return table.text();
}

int exit_code(const Report& report) {
  return report.failures.empty() && !report.rows.empty() ? 0 : 1;
}

}  // namespace vtepd::bench
