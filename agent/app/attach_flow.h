// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/agent.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace vtepd {

// One attach, from the request to the reply. Its steps in order: network, its endpoints, and
// namespace; the same attach done before; the store (address, endpoint, count); the interfaces; the
// programs and maps; the state file; interfaces up; the store again (sandbox), from when on others
// forward to us. A step that fails undoes those before it. Runs as one operation of the agent and
// keeps itself alive through the callbacks that hold it.
class AttachFlow : public std::enable_shared_from_this<AttachFlow> {
 public:
  AttachFlow(Agent& agent, AttachRequest request, Control::Reply<AttachReply> reply,
             Agent::Done done);
  void start();

 private:
  // The kernel destroys a namespace in the background; its interfaces are gone within milliseconds,
  // unless a process still holds it, and then it is not going anywhere.
  static constexpr std::chrono::seconds kNamespaceDeath{3};

  void with_network(Result<Network> network);
  void with_endpoints();
  Result<void> check_network();
  // Whether this attach was done before; Conflict names what differs.
  Result<const LocalEndpoint*> find_same();
  // A local endpoint of the network that holds what is asked for and whose namespace is on its way
  // out; the kernel takes it down on its own time.
  const LocalEndpoint* find_dying();
  void wait_for_dying(std::chrono::steady_clock::time_point deadline);
  void proceed();
  void create_in_store();
  void with_endpoint(Result<Endpoint> endpoint);
  Result<void> make_interfaces();
  Result<void> program_data_path();
  void activate();
  void finish(const Endpoint& activated);
  void wait_for_hosts();
  void undo(const Error& error);
  void withdraw(const Error& error);
  void fail_with(const Error& error);
  [[nodiscard]] PortSpec port_spec() const;
  [[nodiscard]] AttachReply make_reply(const LocalEndpoint& local, bool existed) const;

  Agent& agent_;
  AttachRequest request_;
  Control::Reply<AttachReply> reply_;
  Agent::Done done_;
  Network network_;
  Netns netns_;
  LocalEndpoint local_;
  bool interfaces_made_ = false;
  std::unique_ptr<EventLoop::Timer> timer_;
};

}  // namespace vtepd
