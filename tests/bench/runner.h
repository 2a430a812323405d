// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"
#include "bench/subject.h"
#include "bench/works.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vtepd::bench {

// A subject, laid out, with so many entries in its tables.
struct Contestant {
  Subject* subject = nullptr;
  std::uint32_t entries = 0;
  std::string suffix{};  // of the work's name: "", "_hot", "_uniform"
};

// Measures works in rounds: in each every contestant once, so that what the machine does meanwhile
// meets all of them alike. A contestant that fails a work is left out of its further rounds.
class Runner {
 public:
  Runner(Report& report, std::size_t rounds) : report_(report), rounds_(rounds) {}

  void measure(const Work& work, const std::vector<Contestant>& contestants);

 private:
  Report& report_;
  std::size_t rounds_;
};

}  // namespace vtepd::bench
