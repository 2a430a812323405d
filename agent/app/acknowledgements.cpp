// SPDX-License-Identifier: GPL-2.0-only
#include "app/acknowledgements.h"

#include <algorithm>

namespace vtepd {

namespace {

constexpr const char* kMissing = "missing";
constexpr const char* kAcknowledged = "acknowledged";

bool complete(const std::vector<AttachReply::Host>& hosts) {
  return std::none_of(hosts.begin(), hosts.end(),
                      [](const auto& host) { return host.state == kMissing; });
}

void mark(std::vector<AttachReply::Host>& hosts, const IpAddress& vtep) {
  for (auto& host : hosts) {
    if (host.vtep == vtep && host.state == kMissing) {
      host.state = kAcknowledged;
    }
  }
}

}  // namespace

void Acknowledgements::wait(EventLoop& loop, const std::string& endpoint_id,
                            std::vector<AttachReply::Host> hosts, std::chrono::milliseconds timeout,
                            Finish finish) {
  for (const auto& vtep : early_[endpoint_id]) {
    mark(hosts, vtep);
  }
  early_.erase(endpoint_id);
  if (complete(hosts)) {
    finish(std::move(hosts), false);
    return;
  }
  auto& waiter = waiters_[endpoint_id];
  waiter = Waiter{std::move(hosts), loop.make_timer(), std::move(finish)};
  waiter.timer->set(timeout, [this, endpoint_id] { this->finish(endpoint_id, true); });
}

void Acknowledgements::on_acked(const store_event::Acked& acked) {
  const auto waiter = waiters_.find(acked.endpoint_id);
  if (waiter == waiters_.end()) {
    early_[acked.endpoint_id].insert(acked.vtep);
    return;
  }
  mark(waiter->second.hosts, acked.vtep);
  if (complete(waiter->second.hosts)) {
    finish(acked.endpoint_id, false);
  }
}

void Acknowledgements::finish(const std::string& endpoint_id, bool timed_out) {
  auto node = waiters_.extract(endpoint_id);
  if (!node.empty()) {
    node.mapped().timer->cancel();
    node.mapped().finish(std::move(node.mapped().hosts), timed_out);
  }
}

void Acknowledgements::on_requested(const store_event::AckRequested& request) {
  requests_[request.endpoint_id] = request;
}

std::vector<store_event::AckRequested> Acknowledgements::answerable(
    const std::function<bool(const std::string&, const std::string&)>& programmed) {
  std::vector<store_event::AckRequested> result;
  for (auto request = requests_.begin(); request != requests_.end();) {
    if (programmed(request->second.network_id, request->second.endpoint_id)) {
      result.push_back(request->second);
      request = requests_.erase(request);
    } else {
      ++request;
    }
  }
  return result;
}

void Acknowledgements::forget(const std::string& endpoint_id) {
  requests_.erase(endpoint_id);
  early_.erase(endpoint_id);
}

}  // namespace vtepd
