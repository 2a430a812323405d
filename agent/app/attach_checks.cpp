// SPDX-License-Identifier: GPL-2.0-only
// What an attach looks at before it makes anything: the network and the underlay, the same attach
// done before, and what an ending namespace still holds.
#include "app/attach_flow.h"

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

constexpr auto kNamespacePoll = 5ms;

template <typename T>
std::string text_of(const std::optional<T>& value) {
  return value ? value->to_string() : "none";
}

std::optional<IpAddress> address_of(const std::optional<IpPrefix>& prefix) {
  return prefix ? std::optional(prefix->address) : std::nullopt;
}

}  // namespace

Result<void> AttachFlow::check_network() {
  if (network_.secure) {
    return fail(ErrorKind::Invalid, "network '" + network_.name +
                                        "' is encrypted (Docker's --opt encrypted), which vtepd "
                                        "does not support; use a network without it");
  }
  const auto device = agent_.ports_.underlay.device();
  if (!device) {
    return fail(device.error());
  }
  const auto needed = network_.mtu() + kOverhead4;
  if (device->mtu < needed) {
    return fail(ErrorKind::Invalid,
                "network '" + network_.name + "' has MTU " + std::to_string(network_.mtu()) +
                    " and needs an underlay of " + std::to_string(needed) + ", but " +
                    device->name + " has MTU " + std::to_string(device->mtu) +
                    "; raise it, or make the network with --mtu " +
                    std::to_string(device->mtu - kOverhead4) + " or less");
  }
  const auto stored = agent_.overlay_.networks().find(network_.id);
  if (stored == agent_.overlay_.networks().end()) {
    return {};
  }
  if (const auto* stranger = agent_.stranger_in(stored->second)) {
    return fail(ErrorKind::Conflict, "network '" + network_.name +
                                         "' is used on this host by somebody else (endpoint '" +
                                         stranger->name +
                                         "', perhaps of dockerd); one host, one VTEP of a network");
  }
  return {};
}

Result<const LocalEndpoint*> AttachFlow::find_same() {
  const LocalEndpoint* same = nullptr;
  for (const auto& [id, local] : agent_.overlay_.locals()) {
    if (local.network.id == network_.id && local.netns_cookie == netns_.cookie &&
        local.boot_id == agent_.options_.boot_id &&
        (request_.ifname.empty() || local.ifname == request_.ifname)) {
      same = &local;
      break;
    }
  }
  if (same == nullptr) {
    return nullptr;
  }
  const auto port = agent_.ports_.links.find_port(netns_, same->ifname, same->host_ifname);
  if (!port || !*port) {
    spdlog::info("interface of an endpoint is not there any more, making a new one endpoint={}",
                 same->endpoint.name);
    agent_.remove_local(std::string(same->endpoint.id));
    return nullptr;
  }
  const auto& endpoint = same->endpoint;
  const auto differs = [&](const std::string& what, const std::string& has,
                           const std::string& wanted) {
    return fail(ErrorKind::Conflict, "interface " + same->ifname + " in " + request_.netns_path +
                                         " is attached to network '" + network_.name + "' with " +
                                         what + " " + has + ", not " + wanted +
                                         "; detach it first");
  };
  if (request_.address4 && request_.address4 != address_of(endpoint.address4)) {
    return differs("address", text_of(address_of(endpoint.address4)), text_of(request_.address4));
  }
  if (request_.address6 && request_.address6 != address_of(endpoint.address6)) {
    return differs("address", text_of(address_of(endpoint.address6)), text_of(request_.address6));
  }
  if (request_.mac && request_.mac != endpoint.mac) {
    return differs("MAC", endpoint.mac.to_string(), text_of(request_.mac));
  }
  if (!request_.name.empty() && request_.name != endpoint.name) {
    return differs("name", endpoint.name, request_.name);
  }
  const std::set<IpPrefix> addresses(request_.allowed_addresses.begin(),
                                     request_.allowed_addresses.end());
  const std::set<MacAddress> macs(request_.allowed_macs.begin(), request_.allowed_macs.end());
  if (addresses != same->allowed_addresses || macs != same->allowed_macs ||
      request_.source_check != same->source_check) {
    return differs("other source checks", "(--allow-address, --allow-mac, --no-source-check)",
                   "those asked for");
  }
  return same;
}

const LocalEndpoint* AttachFlow::find_dying() {
  for (const auto& [id, local] : agent_.overlay_.locals()) {
    const bool wanted =
        local.network.id == network_.id &&
        ((request_.address4 && request_.address4 == address_of(local.endpoint.address4)) ||
         (request_.address6 && request_.address6 == address_of(local.endpoint.address6)) ||
         (request_.mac && request_.mac == local.endpoint.mac) ||
         (!request_.name.empty() && request_.name == local.endpoint.name));
    if (!wanted || local.netns_cookie == netns_.cookie) {
      continue;
    }
    const auto now_there = agent_.ports_.links.open_netns(local.netns_path);
    if (!now_there || now_there->cookie != local.netns_cookie) {
      return &local;
    }
  }
  return nullptr;
}

void AttachFlow::wait_for_dying(std::chrono::steady_clock::time_point deadline) {
  const auto* dying = find_dying();
  if (dying == nullptr) {
    proceed();
    return;
  }
  const auto link = agent_.ports_.links.find_link(dying->host_ifname);
  if (link && !*link) {
    agent_.remove_local(std::string(dying->endpoint.id));
    wait_for_dying(deadline);
    return;
  }
  if (std::chrono::steady_clock::now() >= deadline) {
    fail_with({ErrorKind::Conflict,
               "endpoint '" + dying->endpoint.name + "' of network '" + network_.name +
                   "' still holds what is asked for: its namespace has no name any more but a "
                   "process keeps it; end that process, or run `vtepctl detach " +
                   dying->endpoint.id.substr(0, 12) + "`"});
    return;
  }
  timer_ = agent_.ports_.loop.make_timer();
  timer_->set(kNamespacePoll,
              [self = shared_from_this(), deadline] { self->wait_for_dying(deadline); });
}

}  // namespace vtepd
