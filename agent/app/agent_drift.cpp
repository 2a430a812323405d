// SPDX-License-Identifier: GPL-2.0-only
// What somebody else changed under the agent: programs, map entries, names. It is put right, and
// only that is touched.
#include "app/agent.h"

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

constexpr auto kVerifyInterval = 10s;
// A walk over a million endpoints takes about as long as the interval, half a millisecond at a
// time: whatever comes meanwhile waits that long at most.
constexpr std::size_t kEntriesAtOnce = 200;
constexpr auto kPause = 1ms;

}  // namespace

void Agent::verify_later() {
  verify_timer_->set(kVerifyInterval, [this] {
    verify_programs();
    verify_host_ends(false);
    verify_entries(0);
  });
}

void Agent::verify_programs() {
  const auto mended = ports_.dataplane.verify_attachments();
  if (!mended) {
    spdlog::error("cannot check the programs: {}", mended.error().what);
    return;
  }
  for (const auto& what : *mended) {
    spdlog::warn("put right: {}", what);
  }
  if (verify_more_) {
    for (const auto& what : verify_more_()) {
      spdlog::warn("put right: {}", what);
    }
  }
}

// What they lack at a start is no drift: an earlier build, or the other data path, made them.
void Agent::verify_host_ends(bool starting) {
  std::vector<HostEnd> ends;
  ends.reserve(overlay_.locals().size());
  for (const auto& [id, local] : overlay_.locals()) {
    ends.push_back({local.host, local.host_ifname});
  }
  const auto mended = ports_.links.verify_host_ends(ends);
  const std::string problem = mended ? std::string() : mended.error().what;
  if (problem != host_end_problem_ && !problem.empty()) {
    spdlog::warn("sending from endpoints costs more than it needs to: {}", problem);
  }
  host_end_problem_ = problem;
  if (mended && !starting) {
    for (const auto& what : *mended) {
      spdlog::warn("put right: {}", what);
    }
  }
}

// One part of the walk over all entries, and then the next one.
void Agent::verify_entries(std::size_t next) {
  const auto lacking = ports_.dataplane.missing(overlay_.desired_part(next, kEntriesAtOnce));
  if (!lacking) {
    spdlog::error("cannot check the data path's tables: {}", lacking.error().what);
    verify_later();
    return;
  }
  // What the data path refused is tried again by itself, and no drift.
  if (!lacking->empty() && apply_errors_.empty()) {
    spdlog::warn(
        "put right: entries that somebody else changed or deleted fdb={} neigh={} peers={} "
        "ports={} "
        "vnis={} members={}",
        lacking->fdb_put.size(), lacking->neighbours_put.size(), lacking->peers_put.size(),
        lacking->ports_put.size(), lacking->vnis_put.size(), lacking->members_put.size());
    note_failures(ports_.dataplane.apply(*lacking));
  }
  if (next == 0) {
    verify_later();
  } else {
    verify_timer_->set(kPause, [this, next] { verify_entries(next); });
  }
}

// Gives the host end of an endpoint its name back. False if the interface is gone.
bool Agent::keep_name(const LocalEndpoint& local) {
  const auto name = ports_.links.link_name(local.host);
  if (name && !*name) {
    return false;
  }
  if (!name || **name == local.host_ifname) {
    return true;
  }
  if (const auto renamed = ports_.links.rename(local.host, local.host_ifname); renamed) {
    spdlog::warn("put right: interface {} was renamed to {}", local.host_ifname, **name);
  } else {
    spdlog::error("interface {} was renamed to {} and cannot get its name back: {}",
                  local.host_ifname, **name, renamed.error().what);
  }
  return true;
}

}  // namespace vtepd
