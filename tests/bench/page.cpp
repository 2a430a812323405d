// SPDX-License-Identifier: GPL-2.0-only
#include "bench/page.h"

#include "bench/catalogue.h"
#include "bench/plot.h"

#include <algorithm>
#include <sstream>

namespace vtepd::bench {

namespace {

constexpr const char* kFolder = "performance/";

std::vector<Row> rows_of(const Report& report, const std::string& work) {
  std::vector<Row> out;
  std::copy_if(report.rows.begin(), report.rows.end(), std::back_inserter(out),
               [&](const Row& row) { return base_name(row.work) == work; });
  return out;
}

constexpr std::uint64_t kFew = 10;
constexpr std::uint64_t kMany = 1000000;

std::string label_of(const Row& row) {
  std::string label = row.subject;
  if (row.entries == kMany) {
    label += ", 1M";
  } else if (row.entries != kFew) {
    label += ", " + count(row.entries);
  }
  return label + (row.work.ends_with("_uniform") ? ", uniform" : "");
}

bool has_plot(const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return row.subject != rows.front().subject; }) &&
         std::all_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return row.unit == rows.front().unit; });
}

std::string plot_of(const WorkText& work, const std::vector<Row>& rows) {
  std::vector<Bar> bars;
  for (const Row& row : rows) {
    bars.push_back(
        {.label = label_of(row), .summary = row.summary, .ours = row.subject.starts_with("vtepd")});
  }
  const std::string better = work.smaller ? ", less is better" : ", more is better";
  return plot(work.title, rows.front().unit + better, bars);
}

// nullptr: there is no such row.
const Row* find(const std::vector<Row>& rows, const std::string& work, const std::string& subject) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.work == work && row.subject == subject;
  });
  return found == rows.end() ? nullptr : &*found;
}

// What a row is compared with: the same work, with as many entries if that was measured.
const Row* counterpart(const std::vector<Row>& rows, const Row& row, const std::string& subject) {
  const Row* same = find(rows, row.work, subject);
  return same != nullptr ? same : find(rows, base_name(row.work), subject);
}

std::string ratio(const Row& row, const Row* base) {
  if (base == nullptr || base->summary.median <= 0) {
    return "";
  }
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(2);
  out << row.summary.median / base->summary.median;
  return out.str();
}

std::string besides(const std::vector<Row>& rows, const Row& row) {
  std::string out;
  for (const auto& [name, value] : row.extra) {
    out += (out.empty() ? "" : ", ") + name + " " + figure(value);
  }
  if (row.work != base_name(row.work)) {
    const std::string growth = ratio(row, find(rows, base_name(row.work), row.subject));
    out += (out.empty() || growth.empty() ? "" : ", ") +
           (growth.empty() ? "" : growth + " of 10 entries");
  }
  return out;
}

void write_table(std::ostream& out, const std::vector<Row>& rows) {
  out << "| work | subject | entries | median | min | max | unit | runs | to docker-layout | to "
         "routed | besides |\n"
      << "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |\n";
  for (const Row& row : rows) {
    out << "| " << row.work << " | " << row.subject << " | " << count(row.entries) << " | "
        << figure(row.summary.median) << " | " << figure(row.summary.min) << " | "
        << figure(row.summary.max) << " | " << row.unit << " | " << row.summary.runs << " | "
        << ratio(row, counterpart(rows, row, "docker-layout")) << " | "
        << ratio(row, counterpart(rows, row, "routed")) << " | " << besides(rows, row) << " |\n";
  }
}

void write_bed(std::ostream& out, const Json& bed) {
  out << "## The bed\n\n| | |\n| --- | --- |\n";
  for (const auto& [name, value] : bed.items()) {
    out << "| " << name << " | " << (value.is_string() ? value.get<std::string>() : value.dump())
        << " |\n";
  }
  out << "\n| subject | what it is |\n| --- | --- |\n";
  for (const SubjectText& subject : subject_catalogue()) {
    out << "| " << subject.name << " | " << subject.what << " |\n";
  }
}

void write_beginning(std::ostream& out, const Report& report) {
  out << "<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
      << "<!-- Made by `scripts/bench --docs`; changes are lost. -->\n# Performance\n\n"
      << "What `sudo scripts/bench` measured, on the bed described here; ratios tell more than "
         "figures. Every subject\nwas measured once in each round, one after the other; a row has "
         "the median of its rounds and their extremes,\nof several full runs the median of their "
         "medians. Deliveries were counted: a subject that loses what it was\nsent has no row. The "
         "figures are in [bench.json](performance/"
         "bench.json). A name with `_hot` is the same work with 1,000,000 entries in the tables "
         "and\none destination, `_uniform` with destinations drawn among all of them (for "
         "receiving: senders).\n\n";
  write_bed(out, report.bed);
}

}  // namespace

std::map<std::string, std::string> make_documents(const Report& report) {
  std::map<std::string, std::string> documents;
  std::ostringstream page;
  write_beginning(page, report);
  for (const WorkText& work : catalogue()) {
    const std::vector<Row> rows = rows_of(report, work.name);
    if (rows.empty()) {
      continue;
    }
    page << "\n## " << work.title << "\n\n" << work.how << "\n\n";
    if (has_plot(rows)) {
      const std::string name = kFolder + work.name + ".svg";
      documents[name] = plot_of(work, rows);
      page << "![" << work.title << "](" << name << ")\n\n";
    }
    write_table(page, rows);
  }
  documents["performance.md"] = page.str();
  documents[std::string(kFolder) + "bench.json"] = to_json(report).dump(2) + "\n";
  return documents;
}

}  // namespace vtepd::bench
