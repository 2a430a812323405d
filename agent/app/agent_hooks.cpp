// SPDX-License-Identifier: GPL-2.0-only
// When this run's programs take over: at once where its tables go on from the earlier run's, else
// when the store has filled them.
#include "app/agent.h"

#include <spdlog/spdlog.h>

namespace vtepd {

// The underlay first: what it delivers comes from other hosts, whose endpoints are all in the
// tables; if it cannot be hooked up, the ports keep what they have.
Result<void> Agent::hook_up() {
  const auto device = ports_.underlay.device();
  if (!device) {
    return fail(device.error());
  }
  if (auto hooked = ports_.dataplane.attach_underlay(*device); !hooked) {
    return hooked;
  }
  for (const auto& [id, local] : overlay_.locals()) {
    // One that cannot be hooked up keeps the programs it has; it must not keep the others down.
    if (const auto hooked = ports_.dataplane.attach_port(local.host, local.host_ifname); !hooked) {
      spdlog::error("cannot hook up the interface of an endpoint endpoint={}: {}",
                    local.endpoint.name, hooked.error().what);
    }
  }
  if (auto committed = ports_.dataplane.commit(); !committed) {
    return committed;
  }
  hooked_ = *device;
  return {};
}

// Tried again by the retry timer as long as it does not work.
void Agent::hook_up_late() {
  if (!synced_ || hooked_) {
    return;
  }
  const auto hooked = hook_up();
  const std::string problem = hooked ? std::string() : hooked.error().what;
  if (hooked) {
    spdlog::info("took over from the programs of an earlier build");
  } else if (problem != hook_problem_) {
    spdlog::error("cannot take over from the programs of an earlier build: {}", problem);
  }
  hook_problem_ = problem;
}

}  // namespace vtepd
