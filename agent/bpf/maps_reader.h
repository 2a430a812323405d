// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/tables.h"

#include <string>
#include <vector>

namespace vtepd {

// The tables of an instance as pinned, for `vtepctl show` while no daemon runs. Reads only; loads
// no program.
class MapsReader {
 public:
  // NotFound if the instance has no maps, Unavailable if they are of another ABI.
  static Result<MapsReader> open(const std::string& bpffs, const std::string& instance);

  Result<ForwardingState> read() const;

  Result<std::vector<ReasonCount>> counters() const { return read_counters(tables_); }

  Result<std::vector<TableUsage>> usage() const;

 private:
  explicit MapsReader(Tables tables) : tables_(std::move(tables)) {}

  Tables tables_;
};

}  // namespace vtepd
