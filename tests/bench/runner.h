// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/report.h"
#include "bench/subject.h"
#include "bench/works.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vtepd::bench {

// A subject, laid out, with so many entries in its tables.
struct Contestant {
  Subject* subject = nullptr;
  std::uint32_t entries = 0;
  std::string suffix{};  // of the work's name: "", "_hot", "_uniform"
};

// Measures works in rounds: in each every contestant once at every work, so that what the machine
// does meanwhile, for seconds or for minutes, meets all of them alike. A contestant that fails a
// work is left out of its further rounds.
class Runner {
 public:
  Runner(Report& report, std::size_t rounds) : report_(report), rounds_(rounds) {}

  void add(const Work& work, const std::vector<Contestant>& contestants);
  // Rows come in the order in which works were added.
  void run();

 private:
  struct Runs {
    Work work;
    Contestant contestant;
    std::vector<double> values{};
    std::map<std::string, std::vector<double>> extra{};
    bool failed = false;
  };

  void measure_once(Runs& runs);
  static Row row_of(const Runs& runs);

  Report& report_;
  std::size_t rounds_;
  std::vector<Runs> all_;
};

}  // namespace vtepd::bench
