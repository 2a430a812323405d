// SPDX-License-Identifier: GPL-2.0-only
#include "app/attach_flow.h"

#include <algorithm>
#include <array>

#include <spdlog/spdlog.h>

namespace vtepd {

AttachFlow::AttachFlow(Agent& agent, AttachRequest request, Control::Reply<AttachReply> reply,
                       Agent::Done done)
    : agent_(agent),
      request_(std::move(request)),
      reply_(std::move(reply)),
      done_(std::move(done)) {}

void AttachFlow::start() {
  if (const auto there = agent_.check_store(); !there) {
    fail_with(there.error());
    return;
  }
  agent_.on_worker<Network>(
      [registry = &agent_.ports_.registry, name = request_.network,
       follows_in_use = agent_.options_.follows_in_use]() -> Result<Network> {
        auto network = registry->find_network(name);
        if (!network || network->secure) {
          return network;
        }
        if (follows_in_use) {
          if (auto open = registry->open_endpoints(network->id); !open) {
            return fail(open.error());
          }
        }
        return registry->ensure_vni(*network);
      },
      [self = shared_from_this()](Result<Network> network) {
        self->with_network(std::move(network));
      });
}

void AttachFlow::with_network(Result<Network> network) {
  if (!network) {
    fail_with(network.error());
    return;
  }
  network_ = std::move(*network);
  agent_.with_endpoints_of(network_.id, [self = shared_from_this()](const Result<void>& read) {
    if (read) {
      self->with_endpoints();
    } else {
      self->fail_with(read.error());
    }
  });
}

void AttachFlow::with_endpoints() {
  auto netns = agent_.ports_.links.open_netns(request_.netns_path);
  if (!netns) {
    fail_with(netns.error());
    return;
  }
  netns_ = std::move(*netns);
  if (const auto checked = check_network(); !checked) {
    fail_with(checked.error());
    return;
  }
  const auto same = find_same();
  if (!same) {
    fail_with(same.error());
    return;
  }
  if (*same != nullptr) {
    reply_(make_reply(**same, true));
    done_();
    return;
  }
  wait_for_dying(std::chrono::steady_clock::now() + kNamespaceDeath);
}

// What is to be withdrawn goes first: the address asked for may be among it.
void AttachFlow::proceed() {
  agent_.withdraw_pending(
      [self = shared_from_this()](const Result<void>&) { self->create_in_store(); });
}

void AttachFlow::create_in_store() {
  if (request_.ifname.empty()) {
    auto free = agent_.ports_.links.free_ifname(netns_, "eth");
    if (!free) {
      fail_with(free.error());
      return;
    }
    request_.ifname = *free;
  }
  const EndpointSpec spec{.name = request_.name,
                          .address4 = request_.address4,
                          .address6 = request_.address6,
                          .mac = request_.mac,
                          .interface_prefix = "eth"};
  const auto network = agent_.overlay_.networks().find(network_.id);
  const bool chosen = request_.mac || !request_.name.empty();
  if (chosen && network != agent_.overlay_.networks().end()) {
    for (const auto& [id, endpoint] : network->second.endpoints) {
      if (endpoint.ours && !agent_.overlay_.locals().contains(id.to_string())) {
        continue;  // on its way out of the store; what we were told is not the news yet
      }
      const bool same_mac = request_.mac && endpoint.mac == *request_.mac;
      const bool same_name = !request_.name.empty() && endpoint.name == request_.name;
      if (same_mac || same_name) {
        const auto what =
            same_mac ? "MAC " + endpoint.mac.to_string() : "name '" + endpoint.name + "'";
        fail_with({ErrorKind::Conflict, what + " is taken in network '" + network_.name +
                                            "' by endpoint " + id.to_string().substr(0, 12) +
                                            " on " + endpoint.vtep.to_string() +
                                            "; choose another"});
        return;
      }
    }
  }
  agent_.on_worker<Endpoint>([registry = &agent_.ports_.registry, network = network_,
                              spec] { return registry->create_endpoint(network, spec); },
                             [self = shared_from_this()](Result<Endpoint> endpoint) {
                               self->with_endpoint(std::move(endpoint));
                             });
}

void AttachFlow::with_endpoint(Result<Endpoint> endpoint) {
  if (!endpoint) {
    fail_with(endpoint.error());
    return;
  }
  local_ = LocalEndpoint{
      .endpoint = std::move(*endpoint),
      .network = network_,
      .netns_path = request_.netns_path,
      .netns_cookie = netns_.cookie,
      .boot_id = agent_.options_.boot_id,
      .ifname = request_.ifname,
      .host_ifname = {},
      .host = {},
      .endpoint_ifindex = {},
      .allowed_addresses = {request_.allowed_addresses.begin(), request_.allowed_addresses.end()},
      .allowed_macs = {request_.allowed_macs.begin(), request_.allowed_macs.end()},
      .source_check = request_.source_check,
      .same_netns = netns_.own};
  local_.host_ifname = host_ifname_of(local_.endpoint.id);
  if (const auto made = make_interfaces(); !made) {
    undo(made.error());
    return;
  }
  if (const auto programmed = program_data_path(); !programmed) {
    undo(programmed.error());
    return;
  }
  if (const auto saved = agent_.save_state(); !saved) {
    undo(saved.error().context("the attach cannot be remembered"));
    return;
  }
  agent_.limit_tcp_frames(local_);
  if (const auto up = agent_.ports_.links.bring_up(netns_, port_spec()); !up) {
    undo(up.error());
    return;
  }
  activate();
}

PortSpec AttachFlow::port_spec() const {
  PortSpec spec{.host_ifname = local_.host_ifname,
                .ifname = local_.ifname,
                .mac = local_.endpoint.mac,
                .mtu = network_.mtu(),
                .addresses = {},
                .ipv6 = network_.v6_pool.has_value()};
  for (const auto& address : {local_.endpoint.address4, local_.endpoint.address6}) {
    if (address) {
      spec.addresses.push_back(*address);
    }
  }
  return spec;
}

Result<void> AttachFlow::make_interfaces() {
  const auto host_macs = agent_.ports_.links.host_macs();
  if (!host_macs) {
    return fail(host_macs.error());
  }
  if (std::find(host_macs->begin(), host_macs->end(), local_.endpoint.mac) != host_macs->end()) {
    return fail(ErrorKind::Conflict, "MAC " + local_.endpoint.mac.to_string() +
                                         " is that of an interface of this host; an endpoint needs "
                                         "another (--mac)");
  }
  const auto links = agent_.ports_.links.create_port(netns_, port_spec());
  if (!links) {
    return fail(links.error());
  }
  interfaces_made_ = true;
  local_.host = links->host;
  local_.endpoint_ifindex = links->endpoint;
  return {};
}

Result<void> AttachFlow::program_data_path() {
  auto& dataplane = agent_.ports_.dataplane;
  if (auto hooked = dataplane.attach_port(local_.host, local_.host_ifname); !hooked) {
    return hooked;
  }
  agent_.overlay_.upsert_local(local_);
  const auto report = agent_.program();
  // Entries of other endpoints that did not fit are the status's business, these are ours.
  const bool port_failed = !report.failed.ports_put.empty() || !report.failed.vnis_put.empty();
  const auto is_ours = [&](const auto& entry) { return entry.first.mac == local_.endpoint.mac; };
  const bool fdb_failed =
      std::any_of(report.failed.fdb_put.begin(), report.failed.fdb_put.end(), is_ours);
  if (port_failed || fdb_failed) {
    return fail(report.errors.empty() ? Error{ErrorKind::Internal, "the data path refused the port"}
                                      : report.errors.front());
  }
  return {};
}

void AttachFlow::activate() {
  // Names the namespace in the store, in Docker's form: 64 hex digits.
  const std::string sandbox = local_.endpoint.id;
  agent_.on_worker<Endpoint>(
      [registry = &agent_.ports_.registry, endpoint = local_.endpoint, sandbox,
       host_ifname = local_.host_ifname] {
        return registry->activate_endpoint(endpoint, sandbox, host_ifname);
      },
      [self = shared_from_this()](const Result<Endpoint>& endpoint) {
        if (!endpoint) {
          self->undo(endpoint.error());
        } else {
          self->finish(*endpoint);
        }
      });
}

void AttachFlow::finish(const Endpoint& activated) {
  const auto still = agent_.overlay_.locals().find(activated.id);
  if (still == agent_.overlay_.locals().end()) {
    fail_with({ErrorKind::NotFound,
               "the namespace " + request_.netns_path + " went while it was being attached"});
    return;
  }
  local_.endpoint = activated;
  agent_.overlay_.upsert_local(local_);
  (void)agent_.program();
  if (const auto saved = agent_.save_state(); !saved) {
    undo(saved.error().context("the attach cannot be remembered"));
    return;
  }
  spdlog::info("attached endpoint={} network={} vni={} mac={} address={} interface={} netns={}",
               activated.name, network_.name, agent_.vni_of(local_).value,
               activated.mac.to_string(),
               activated.address4 ? activated.address4->to_string() : "none", local_.host_ifname,
               request_.netns_path);
  netns_ = {};  // held any longer it would keep a deleted namespace alive
  if (request_.wait) {
    wait_for_hosts();  // the next operation need not wait for it
  } else {
    reply_(make_reply(local_, false));
  }
  done_();
}

void AttachFlow::wait_for_hosts() {
  std::vector<AttachReply::Host> hosts;
  for (const auto& [vtep, count] : agent_.overlay_.networks().at(network_.id).vteps) {
    const auto node = agent_.nodes_.find(vtep);
    const bool live = node != agent_.nodes_.end();
    hosts.push_back({vtep, live ? node->second.host : "", live ? "missing" : "not-waited-for"});
  }
  agent_.acknowledgements_.wait(
      agent_.ports_.loop, local_.endpoint.id, std::move(hosts), *request_.wait,
      [self = shared_from_this()](std::vector<AttachReply::Host> answered, bool timed_out) {
        auto reply = self->make_reply(self->local_, false);
        reply.hosts = std::move(answered);
        reply.timed_out = timed_out;
        self->agent_.on_worker<void>(
            [registry = &self->agent_.ports_.registry, endpoint = self->local_.endpoint] {
              return registry->clear_ack(endpoint.network_id, endpoint.id);
            },
            [self, reply](const Result<void>&) { self->reply_(reply); });
      });
  agent_.on_worker<void>(
      [registry = &agent_.ports_.registry, endpoint = local_.endpoint] {
        return registry->request_ack(endpoint, endpoint.sandbox);
      },
      [](const Result<void>&) {});
}

void AttachFlow::undo(const Error& error) {
  agent_.on_worker<void>(
      [registry = &agent_.ports_.registry, endpoint = local_.endpoint] {
        return registry->confirm_endpoint(endpoint);
      },
      [self = shared_from_this(), error](const Result<void>&) { self->withdraw(error); });
}

void AttachFlow::withdraw(const Error& error) {
  if (agent_.overlay_.locals().contains(local_.endpoint.id)) {
    agent_.remove_local(std::string(local_.endpoint.id));
  } else {
    agent_.ports_.dataplane.detach_port(local_.host_ifname);
    if (interfaces_made_) {
      (void)agent_.ports_.links.remove_port(local_.host_ifname);
    }
    agent_.pending_.push_back(local_.endpoint);
    agent_.save_pending();
  }
  agent_.withdraw_pending(
      [self = shared_from_this(), error](const Result<void>&) { self->fail_with(error); });
}

void AttachFlow::fail_with(const Error& error) {
  agent_.followed_.settle();
  reply_(fail(error));
  done_();
}

AttachReply AttachFlow::make_reply(const LocalEndpoint& local, bool existed) const {
  return {
      .endpoint = agent_.local_view(local), .existed = existed, .hosts = {}, .timed_out = false};
}

void Agent::attach(const AttachRequest& request, Reply<AttachReply> reply) {
  enqueue([this, request, reply = std::move(reply)](Done done) {
    std::make_shared<AttachFlow>(*this, request, reply, std::move(done))->start();
  });
}

}  // namespace vtepd
