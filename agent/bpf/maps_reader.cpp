// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/maps_reader.h"

#include "bpf/libbpf_output.h"
#include "bpf/pins.h"

#include <utility>

namespace vtepd {

namespace {

Failure no_maps(const PinFolder& pins, const std::string& instance) {
  const auto sets = pins.promoted_map_sets();
  if (sets.empty()) {
    return fail(ErrorKind::NotFound, "instance \"" + instance + "\" has no maps in " + pins.path() +
                                         "; did its start fail, or is its data path \"kernel\"?");
  }
  return fail(ErrorKind::Unavailable, pins.path() + " holds maps of ABI " + sets.front() +
                                          ", this program reads v" +
                                          std::to_string(VTEP_ABI_VERSION));
}

}  // namespace

Result<MapsReader> MapsReader::open(const std::string& bpffs, const std::string& instance) {
  quiet_libbpf();
  const auto pins = PinFolder::find(bpffs, instance);
  if (!pins) {
    return fail(pins.error());
  }
  std::vector<UniqueFd> fds;
  for (const TableSpec& table : kTableSpecs) {
    if (table.table == Table::Events) {
      continue;
    }
    auto fd = open_pin(pins->maps() + "/" + table.name, true);
    if (!fd) {
      return fail(std::move(fd.error()));
    }
    if (!fd->valid()) {
      return no_maps(*pins, instance);
    }
    fds.push_back(std::move(*fd));
  }
  auto tables = Tables::create(std::move(fds));
  if (!tables) {
    return fail(std::move(tables.error()));
  }
  return MapsReader(std::move(*tables));
}

Result<ForwardingState> MapsReader::read() const {
  auto contents = read_tables(tables_, 0);
  if (!contents) {
    return fail(std::move(contents.error()));
  }
  return std::move(contents->state);
}

Result<std::vector<TableUsage>> MapsReader::usage() const {
  std::vector<TableUsage> out;
  for (const TableSpec& table : kTableSpecs) {
    if (table.table == Table::Events || is_always_full(table.table)) {
      continue;
    }
    auto usage = read_usage(tables_, table.table);
    if (!usage) {
      return fail(std::move(usage.error()));
    }
    out.push_back(std::move(*usage));
  }
  return out;
}

}  // namespace vtepd
