// SPDX-License-Identifier: GPL-2.0-only
#include "serf/subscribers.h"

#include <utility>

namespace vtepd::serf {

class Subscribers::Subscription : public GossipSubscription {
 public:
  Subscription(std::shared_ptr<Subscribers> owner, std::uint64_t id)
      : owner_(std::move(owner)), id_(id) {}

  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  ~Subscription() override {
    const std::lock_guard guard(owner_->mutex_);
    owner_->entries_.erase(id_);
  }

 private:
  std::shared_ptr<Subscribers> owner_;
  std::uint64_t id_;
};

std::unique_ptr<GossipSubscription> Subscribers::add(
    std::function<void(const GossipNotice&)> callback) {
  const std::lock_guard guard(mutex_);
  const auto id = ++last_id_;
  entries_.emplace(id, std::make_shared<Entry>(Entry{std::move(callback)}));
  return std::make_unique<Subscription>(shared_from_this(), id);
}

void Subscribers::notify(const GossipNotice& notice) {
  call(notice, true);
}

void Subscribers::greet(const GossipNotice& state) {
  call(state, false);
}

void Subscribers::call(const GossipNotice& notice, bool greeted) {
  const std::lock_guard guard(mutex_);
  const auto all = entries_;  // a callback may change the list
  for (const auto& [id, entry] : all) {
    if (entry->greeted == greeted && entries_.contains(id)) {
      entry->greeted = true;
      entry->callback(notice);
    }
  }
}

}  // namespace vtepd::serf
