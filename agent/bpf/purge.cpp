// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/purge.h"

#include "bpf/libbpf_output.h"
#include "bpf/pins.h"
#include "bpf/tc_filters.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <unistd.h>

namespace vtepd {

namespace {

using Removed = std::vector<std::string>;

bool is_marker(const std::string& name) {
  return name.starts_with("clsact_");
}

// XDP first, then what forwards, then what only drops: no frame reaches the host's stack on the
// way.
int rank(const std::string& name) {
  if (name.ends_with("_xdp")) {
    return 0;
  }
  return name.ends_with("_in") || name.ends_with("_nk") ? 1 : 2;
}

Result<void> purge_links(const PinFolder& pins, Removed& removed) {
  auto names = list_folder(pins.links());
  std::ranges::stable_sort(names, {}, rank);
  for (const auto& name : names) {
    if (is_marker(name)) {
      continue;
    }
    const std::string path = pins.links() + "/" + name;
    const auto link = open_pin(path, false);
    if (!link) {
      return fail(link.error());
    }
    if (link->valid() && bpf_link_detach(link->get()) != 0 && errno != ENOLINK) {
      return fail_errno(errno, "detach link " + path);
    }
    if (auto gone = remove_pin(path); !gone) {
      return gone;
    }
    removed.push_back("link " + path);
  }
  return {};
}

bool uses_any(const TcFilter& filter, const std::set<std::uint32_t>& maps) {
  const auto used = program_maps(filter.program_id);
  return std::ranges::any_of(used, [&](std::uint32_t id) { return maps.contains(id); });
}

Result<void> purge_filters(const PinFolder& pins, Removed& removed) {
  const auto maps = pins.map_ids();
  for (const IfIndex ifindex : list_interfaces()) {
    for (const Direction direction : {Direction::Ingress, Direction::Egress}) {
      const auto filters = list_tc_filters(ifindex, direction);
      if (!filters) {
        return fail(filters.error());
      }
      for (const TcFilter& filter : *filters) {
        if (filter.program_id == 0 || !uses_any(filter, maps)) {
          continue;
        }
        const std::string name = program_name(filter.program_id);
        if (auto gone = remove_tc_filter(ifindex, direction, filter); !gone) {
          return gone;
        }
        removed.push_back("filter " + name + " of " + interface_name(ifindex));
      }
    }
    const bool ours = access(clsact_marker(ifindex, pins.links()).c_str(), F_OK) == 0;
    if (auto gone = remove_unused_clsact(ifindex, pins.links()); !gone) {
      return gone;
    }
    if (ours && access(clsact_marker(ifindex, pins.links()).c_str(), F_OK) != 0) {
      removed.push_back("clsact qdisc of " + interface_name(ifindex));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> purge_bpf(const std::string& bpffs, const std::string& instance) {
  quiet_libbpf();
  const auto pins = PinFolder::find(bpffs, instance);
  if (!pins) {
    return fail(pins.error());
  }
  Removed removed;
  if (!pins->exists()) {
    return removed;
  }
  // The maps last: by them the filters are known.
  if (auto done = purge_links(*pins, removed); !done) {
    return fail(std::move(done.error()));
  }
  if (auto done = purge_filters(*pins, removed); !done) {
    return fail(std::move(done.error()));
  }
  std::vector<std::string> folders{pins->links()};
  for (const auto& set : pins->map_sets()) {
    folders.push_back(pins->path() + "/" + set);
  }
  folders.push_back(pins->path());
  for (const auto& folder : folders) {
    if (auto gone = remove_pin_folder(folder); !gone) {
      return fail(std::move(gone.error()));
    }
    removed.push_back("pin folder " + folder);
  }
  (void)rmdir((bpffs + "/vtepd").c_str());  // stays while another instance is in it
  return removed;
}

}  // namespace vtepd
