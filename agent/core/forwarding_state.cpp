// SPDX-License-Identifier: GPL-2.0-only
#include "core/forwarding_state.h"

namespace vtepd {

namespace {

// Entries of `want` that `have` lacks or holds otherwise, and keys of `have` that `want` lacks.
template <typename Table, typename Puts, typename Removes>
void diff_table(const Table& have, const Table& want, Puts& puts, Removes& removes) {
  for (const auto& [key, value] : want) {
    const auto found = have.find(key);
    if (found == have.end() || !(found->second == value)) {
      puts.emplace_back(key, value);
    }
  }
  for (const auto& [key, value] : have) {
    if (!want.contains(key)) {
      removes.push_back(key);
    }
  }
}

}  // namespace

bool ForwardingDelta::empty() const {
  return size() == 0;
}

std::size_t ForwardingDelta::size() const {
  return fdb_put.size() + fdb_remove.size() + neighbours_put.size() + neighbours_remove.size() +
         peers_put.size() + peers_remove.size() + ports_put.size() + ports_remove.size() +
         vnis_put.size() + vnis_remove.size() + members_put.size() + members_remove.size();
}

ForwardingDelta diff(const ForwardingState& have, const ForwardingState& want) {
  ForwardingDelta delta;
  diff_table(have.fdb, want.fdb, delta.fdb_put, delta.fdb_remove);
  diff_table(have.neighbours, want.neighbours, delta.neighbours_put, delta.neighbours_remove);
  diff_hosts(have, want, delta);
  return delta;
}

void diff_hosts(const ForwardingState& have, const ForwardingState& want, ForwardingDelta& delta) {
  diff_table(have.peers, want.peers, delta.peers_put, delta.peers_remove);
  diff_table(have.ports, want.ports, delta.ports_put, delta.ports_remove);
  diff_table(have.vnis, want.vnis, delta.vnis_put, delta.vnis_remove);
  for (const auto& member : want.members) {
    if (!have.members.contains(member)) {
      delta.members_put.push_back(member);
    }
  }
  for (const auto& member : have.members) {
    if (!want.members.contains(member)) {
      delta.members_remove.push_back(member);
    }
  }
}

}  // namespace vtepd
