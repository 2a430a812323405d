// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

namespace vtepd::bench {

// What people are told of a work; by its name without a suffix.
struct WorkText {
  std::string name;
  std::string title;
  std::string how;      // what is measured, as a sentence
  bool smaller = true;  // is better
};

// In the order of the report.
[[nodiscard]] const std::vector<WorkText>& catalogue();

// The name without "_hot" and "_uniform".
[[nodiscard]] std::string base_name(const std::string& work);

struct SubjectText {
  std::string name;
  std::string what;
};

[[nodiscard]] const std::vector<SubjectText>& subject_catalogue();

}  // namespace vtepd::bench
