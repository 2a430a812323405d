// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/table_copy.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <utility>

namespace vtepd {

namespace {

template <typename Key, typename Value>
struct Entries {
  std::vector<Key> keys;
  std::vector<Value> values;
};

// Those that `first` says true for come first, so that they are in the map before it is full.
template <typename Key, typename Value, typename First>
Result<Entries<Key, Value>> read(const Map<Key, Value>& map, const First& first) {
  Entries<Key, Value> out;
  Entries<Key, Value> rest;
  const auto done = map.for_each([&](const Key& key, const Value& value) {
    auto& part = first(key, value) ? out : rest;
    part.keys.push_back(key);
    part.values.push_back(value);
  });
  if (!done) {
    return fail(done.error());
  }
  out.keys.insert(out.keys.end(), rest.keys.begin(), rest.keys.end());
  out.values.insert(out.values.end(), rest.values.begin(), rest.values.end());
  return out;
}

class Copier {
 public:
  Copier(const Tables& from, const Tables& to) : from_(from), to_(to) {}

  template <typename Key, typename Value, typename First>
  Result<void> copy(Map<Key, Value> Tables::*member, Table table, const First& first) {
    const auto& target = to_.*member;
    if (target.raw().id() == (from_.*member).raw().id()) {
      return {};
    }
    const auto entries = read(from_.*member, first);
    if (!entries) {
      return fail(entries.error());
    }
    note(target.raw(), table, target.update(entries->keys, entries->values));
    return {};
  }

  Result<void> copy_counts(RawMap Tables::*member) {
    const RawMap& target = to_.*member;
    const RawMap& source = from_.*member;
    if (target.id() == source.id()) {
      return {};
    }
    return source.for_each_chunk(
        [&](const std::byte* keys, const std::byte* values, std::size_t n) {
          // One that does not fit is counted from 0 again.
          (void)target.update(keys, values, n);
        });
  }

  std::vector<Error> take_errors() { return std::move(errors_); }

 private:
  void note(const RawMap& map, Table table, const std::vector<MapFailure>& failures) {
    if (failures.empty()) {
      return;
    }
    Error error = map.update_error(failures.front().error, spec(table).option);
    error.what += "; left out " + std::to_string(failures.size()) + " entries of the earlier one";
    errors_.push_back(std::move(error));
  }

  const Tables& from_;
  const Tables& to_;
  std::vector<Error> errors_;
};

using MacKey = std::pair<__u32, std::string>;

MacKey mac_key(__u32 vni, const __u8* mac) {
  return {vni, std::string(reinterpret_cast<const char*>(mac), sizeof(vtep_fdb_key::mac))};
}

Result<std::set<MacKey>> local_macs(const Tables& tables) {
  std::set<MacKey> macs;
  const auto done = tables.fdb.for_each([&](const vtep_fdb_key& key, const vtep_fdb_value& value) {
    if (value.vtep == 0) {
      macs.insert(mac_key(key.vni, &key.mac[0]));
    }
  });
  return done ? Result<std::set<MacKey>>(std::move(macs)) : fail(done.error());
}

}  // namespace

Result<std::vector<Error>> copy_tables(const Tables& from, const Tables& to) {
  const auto locals = local_macs(from);
  if (!locals) {
    return fail(locals.error());
  }
  const auto any = [](const auto&, const auto&) { return true; };
  const auto local = [](const vtep_fdb_key&, const vtep_fdb_value& value) {
    return value.vtep == 0;
  };
  const auto of_local = [&](const vtep_neigh_key& key, const vtep_neigh_value& value) {
    return locals->contains(mac_key(key.vni, &value.mac[0]));
  };
  Copier copier(from, to);
  for (const auto& done :
       {copier.copy(&Tables::peers, Table::Peers, any),
        copier.copy(&Tables::vnis, Table::Vnis, any),
        copier.copy(&Tables::members, Table::Members, any),
        copier.copy(&Tables::allow, Table::Allow, any),
        copier.copy(&Tables::allow_mac, Table::AllowMac, any),
        copier.copy(&Tables::ports, Table::Ports, any),
        copier.copy(&Tables::fdb, Table::Fdb, local),
        copier.copy(&Tables::neigh, Table::Neigh, of_local),
        copier.copy(&Tables::underlays, Table::Underlays, any),
        copier.copy_counts(&Tables::counters), copier.copy_counts(&Tables::traffic)}) {
    if (!done) {
      return fail(done.error());
    }
  }
  return copier.take_errors();
}

}  // namespace vtepd
