// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/skeleton_loader.h"

#include "bpf/datapath_skeleton.h"
#include "bpf/kernel_skb.h"
#include "bpf/libbpf_output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include <arpa/inet.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

namespace vtepd {

namespace {

using PinnedMaps = std::array<UniqueFd, kTableSpecs.size()>;

Failure load_failure(int error, const std::string& operation) {
  if (error == EPERM || error == EACCES) {
    const std::string lines = take_libbpf_warnings();
    return fail(ErrorKind::Denied, operation +
                                       ": not permitted; needs root, or CAP_BPF, "
                                       "CAP_NET_ADMIN and CAP_PERFMON" +
                                       lines);
  }
  return fail(Error::from_errno(error, operation + take_libbpf_warnings()));
}

vtep_config make_config(const BpfDataplane::Options& options) {
  vtep_config config{};
  std::memcpy(&config.vtep4[0], options.vtep.bytes.data() + 12, sizeof config.vtep4);
  config.port = htons(options.port);
  config.sport_min = options.sport_min;
  config.sport_max = options.sport_max;
  unsigned features = options.features.encap_l2_eth ? VTEP_FEATURE_ENCAP_L2_ETH : 0U;
  features |= options.features.decap_l3 ? VTEP_FEATURE_DECAP_L3 : 0U;
  features |= options.features.xdp_frags ? VTEP_FEATURE_XDP_FRAGS : 0U;
  if (const auto& skb = options.features.kernel_skb) {
    features |= VTEP_FEATURE_KERNEL_SKB;
    config.summed_byte = skb->summed_byte;
    config.summed_bit = skb->summed_bit;
  }
  config.features = static_cast<__u16>(features);
  return config;
}

Result<void> size_maps(bpf_object* object, const Limits& limits) {
  for (const TableSpec& table : kTableSpecs) {
    bpf_map* map = bpf_object__find_map_by_name(object, table.name);
    if (map == nullptr) {
      return fail(ErrorKind::Internal, std::string(table.name) + ": not in the programs' object");
    }
    int rc = bpf_map__set_max_entries(map, entries_for(table.table, limits));
    if (rc == 0 && table.grows_on_demand) {
      rc = bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_NO_PREALLOC);
    }
    if (rc != 0) {
      return fail_errno(-rc, std::string(table.name) + ": set its size");
    }
  }
  return {};
}

bool same_definition(const bpf_map* wanted, int fd) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  return bpf_map_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(wanted) &&
         info.key_size == bpf_map__key_size(wanted) &&
         info.value_size == bpf_map__value_size(wanted) &&
         info.max_entries == bpf_map__max_entries(wanted) &&
         info.map_flags == bpf_map__map_flags(wanted);
}

Result<PinnedMaps> open_earlier(const PinFolder& pins) {
  PinnedMaps found;
  for (const TableSpec& table : kTableSpecs) {
    auto fd = open_pin(pins.maps() + "/" + table.name, false);
    if (!fd) {
      return fail(std::move(fd.error()));
    }
    found[static_cast<std::size_t>(table.table)] = std::move(*fd);
  }
  return found;
}

using Fits = std::array<bool, kTableSpecs.size()>;

// Which pinned maps to take over. The agent's tables refer to one another (VTEP ids), so they are
// taken all or none; counters and events stand for themselves.
Fits find_fitting(bpf_object* object, const PinnedMaps& earlier) {
  Fits fits{};
  bool all = true;
  for (const TableSpec& table : kTableSpecs) {
    const auto at = static_cast<std::size_t>(table.table);
    fits[at] = earlier[at].valid() &&
               same_definition(bpf_object__find_map_by_name(object, table.name), earlier[at].get());
    all = all && (fits[at] || !table.by_agent);
  }
  for (const TableSpec& table : kTableSpecs) {
    const auto at = static_cast<std::size_t>(table.table);
    fits[at] = fits[at] && (all || !table.by_agent);
  }
  return fits;
}

Result<void> reuse(bpf_object* object, const PinnedMaps& pinned, const Fits& fits) {
  for (const TableSpec& table : kTableSpecs) {
    const auto at = static_cast<std::size_t>(table.table);
    if (!fits[at]) {
      continue;
    }
    bpf_map* map = bpf_object__find_map_by_name(object, table.name);
    if (const int rc = bpf_map__reuse_fd(map, pinned[at].get()); rc != 0) {
      return fail_errno(-rc, std::string(table.name) + ": take the pinned map over");
    }
  }
  return {};
}

Result<void> pin_new_set(bpf_object* object, const PinFolder& pins) {
  if (auto made = make_pin_folder(pins.new_maps()); !made) {
    return made;
  }
  for (const TableSpec& table : kTableSpecs) {
    const int fd = bpf_object__find_map_fd_by_name(object, table.name);
    if (auto pinned = pin_object(fd, pins.new_maps() + "/" + table.name); !pinned) {
      return pinned;
    }
  }
  return {};
}

Result<std::vector<UniqueFd>> own_tables(bpf_object* object) {
  std::vector<UniqueFd> fds;
  for (const TableSpec& table : kTableSpecs) {
    if (table.table == Table::Events) {
      continue;
    }
    const int fd = bpf_object__find_map_fd_by_name(object, table.name);
    fds.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!fds.back().valid()) {
      return fail_errno(errno, std::string(table.name) + ": duplicate its descriptor");
    }
  }
  return fds;
}

// The cookies of the underlay devices, which programs of any earlier run may still write.
Result<void> keep_cookies(const PinFolder& pins, bpf_object* object) {
  const char* name = spec(Table::Underlays).name;
  const int own = bpf_object__find_map_fd_by_name(object, name);
  for (const auto& set : pins.map_sets()) {
    auto fd = open_pin(pins.path() + "/" + set + "/" + name, true);
    const auto map = fd && fd->valid() ? Map<__u32, vtep_underlay>::create(std::move(*fd))
                                       : fail(ErrorKind::NotFound, set);
    if (!map) {
      continue;
    }
    int refused = 0;
    const auto read = map->for_each([&](const __u32& device, const vtep_underlay& entry) {
      if (bpf_map_update_elem(own, &device, &entry, BPF_NOEXIST) != 0 && errno != EEXIST) {
        refused = errno;
      }
    });
    if (!read || refused != 0) {
      return read ? fail_errno(refused, std::string(name) + ": keep its entries") : read;
    }
  }
  return {};
}

// What a new set is to be filled from; empty if a table is missing there.
std::vector<UniqueFd> tables_of(PinnedMaps earlier) {
  std::vector<UniqueFd> fds;
  for (const TableSpec& table : kTableSpecs) {
    UniqueFd& fd = earlier[static_cast<std::size_t>(table.table)];
    if (table.table == Table::Events) {
      continue;
    }
    if (!fd.valid()) {
      return {};
    }
    fds.push_back(std::move(fd));
  }
  return fds;
}

}  // namespace

void SkeletonDeleter::operator()(datapath_bpf* skeleton) const {
  datapath_bpf::destroy(skeleton);
}

Result<LoadedDatapath> load_datapath(const BpfDataplane::Options& options, const PinFolder& pins) {
  LoadedDatapath out;
  out.skeleton.reset(datapath_bpf::open());
  if (!out.skeleton) {
    return load_failure(errno, "open the BPF programs");
  }
  bpf_object* object = out.skeleton->obj;
  out.skeleton->rodata->vtep_cfg = make_config(options);
  if (options.features.xdp_frags) {
    bpf_program* strip = out.skeleton->progs.vtep_strip;
    bpf_program__set_flags(strip, bpf_program__flags(strip) | BPF_F_XDP_HAS_FRAGS);
  }
  bpf_program__set_autoload(out.skeleton->progs.vtep_from_nk, options.features.netkit);
  if (auto put = put_kernel_skb(object, options.features.kernel_skb); !put) {
    return fail(std::move(put.error()));
  }
  if (auto sized = size_maps(object, options.limits); !sized) {
    return fail(std::move(sized.error()));
  }
  out.used = pins.used();
  if (auto finished = pins.finish_promotion(); !finished) {
    return fail(std::move(finished.error()));
  }
  auto earlier = open_earlier(pins);
  if (!earlier) {
    return fail(std::move(earlier.error()));
  }
  const Fits fits = find_fitting(object, *earlier);
  if (auto reused = reuse(object, *earlier, fits); !reused) {
    return fail(std::move(reused.error()));
  }
  if (const int rc = datapath_bpf::load(out.skeleton.get()); rc != 0) {
    return load_failure(-rc, "load the BPF programs");
  }
  out.adopted = fits[0];
  if (auto kept = keep_cookies(pins, object); !kept) {
    return fail(std::move(kept.error()));
  }
  // Left by a run that ended before its commit().
  if (auto removed = remove_pin_folder(pins.new_maps()); !removed) {
    return fail(std::move(removed.error()));
  }
  if (!std::ranges::all_of(fits, std::identity())) {
    if (auto pinned = pin_new_set(object, pins); !pinned) {
      return fail(std::move(pinned.error()));
    }
    out.earlier = tables_of(std::move(*earlier));
  }
  auto tables = own_tables(object);
  if (!tables) {
    return fail(std::move(tables.error()));
  }
  out.tables = std::move(*tables);
  out.events = bpf_object__find_map_fd_by_name(object, spec(Table::Events).name);
  return out;
}

}  // namespace vtepd
