// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/meter.h"
#include "bench/subject.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace vtepd::bench {

// How long one measurement takes.
struct Effort {
  std::uint32_t frames = 200000;  // of a packet work
  double seconds = 1;             // of the others
};

// What one measurement came to; `extra` as in Row.
struct Sample {
  double value = 0;
  std::map<std::string, double> extra{};
};

// Which remote endpoints the frames of a packet work are for, or from.
enum class Spread { One, Uniform };

// One measurement. Each throws, saying what is missing, if the subject does not deliver what it was
// sent.
struct Work {
  std::string name;
  std::string unit;
  std::set<std::string> subjects;  // that it can be measured on
  std::function<Sample(Subject&, std::uint32_t entries)> measure;
};

// Cost of one datagram of 64 bytes on one core, as a driver hands it on up to the container, or
// from the container's raw socket up to behind the NIC; and of the programs among that.
[[nodiscard]] std::vector<Work> packet_works(Meter& meter, const Effort& effort, Spread spread);
// Datagrams and streams between sockets.
[[nodiscard]] std::vector<Work> traffic_works(const Effort& effort);
// Round trips and connections.
[[nodiscard]] std::vector<Work> request_works(const Effort& effort);

[[nodiscard]] const std::set<std::string>& all_subjects();
[[nodiscard]] std::set<std::string> all_subjects_but(const std::set<std::string>& without);

}  // namespace vtepd::bench
