// SPDX-License-Identifier: GPL-2.0-only
// TableWriter::missing: what somebody else changed or deleted.
#include "bpf/abi_codec.h"
#include "bpf/table_writer.h"

#include <cstring>

namespace vtepd {

namespace {

// The map has this very value under the key.
template <typename Key, typename Value>
Result<bool> has(const Map<Key, Value>& map, const Key& key, const Value& value) {
  const auto found = map.lookup(key);
  if (!found) {
    return fail(found.error());
  }
  return *found && std::memcmp(&**found, &value, sizeof value) == 0;
}

// Collects the entries of a table for which `check` says false; stops at the first error.
template <typename Entries, typename Check>
Result<void> collect(const Entries& entries, auto& out, const Check& check) {
  for (const auto& entry : entries) {
    const auto good = check(entry);
    if (!good) {
      return fail(good.error());
    }
    if (!*good) {
      out.emplace_back(entry);
    }
  }
  return {};
}

}  // namespace

Result<bool> TableWriter::holds(IfIndex ifindex, const PortEntry& port) const {
  auto good = has(tables_.ports, __u32{ifindex.value}, abi::encode(port));
  for (const IpPrefix& prefix : port.allowed_addresses) {
    good = good && *good ? has(tables_.allow, abi::allow_key(ifindex, prefix), __u8{1}) : good;
  }
  for (const MacAddress& mac : port.allowed_macs) {
    good = good && *good ? has(tables_.allow_mac, abi::allow_key(ifindex, mac), __u8{1}) : good;
  }
  return good;
}

Result<ForwardingDelta> TableWriter::missing(const ForwardingState& wanted) {
  ForwardingDelta out;
  const auto peer = [&](const auto& entry) -> Result<bool> {
    const auto encoded = abi::encode(entry.second, port_);
    return encoded ? has(tables_.peers, __u32{entry.first}, *encoded) : Result<bool>(true);
  };
  const auto vni = [&](const auto& entry) {
    return has(tables_.vnis, __u32{entry.first.value},
               abi::encode(entry.second, slots_.of(entry.first)));
  };
  const auto member = [&](const MemberKey& key) {
    return has(tables_.members, abi::encode(key), __u8{1});
  };
  const auto port = [&](const auto& entry) { return holds(entry.first, entry.second); };
  const auto fdb = [&](const auto& entry) {
    return has(tables_.fdb, abi::encode(entry.first), abi::encode(entry.second));
  };
  const auto neighbour = [&](const auto& entry) {
    return has(tables_.neigh, abi::encode(entry.first), abi::encode(entry.second));
  };
  for (const auto& done :
       {collect(wanted.peers, out.peers_put, peer), collect(wanted.vnis, out.vnis_put, vni),
        collect(wanted.members, out.members_put, member),
        collect(wanted.ports, out.ports_put, port), collect(wanted.fdb, out.fdb_put, fdb),
        collect(wanted.neighbours, out.neighbours_put, neighbour)}) {
    if (!done) {
      return fail(done.error());
    }
  }
  for (const auto& [ifindex, entry] : out.ports_put) {
    allowed_.erase(ifindex);
  }
  if (auto checked = check_epoch(); !checked) {
    return fail(std::move(checked.error()));
  }
  return out;
}

}  // namespace vtepd
