// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/announcer.h"
#include "core/gossip_merge.h"
#include "ports/gossip.h"
#include "runtime/event_loop.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// The agent's dealings with the gossip cluster: hears, asks, answers, joins; GossipMerge decides
// what comes of it. On the loop's thread.
class GossipDesk {
 public:
  using Clock = std::chrono::steady_clock;

  // What the desk cannot do itself.
  struct Hands {
    std::function<void(const GossipMerge::Orders&)> carry_out;
  };

  GossipDesk(Gossip& gossip, EventLoop& loop, const Overlay& overlay, Hands hands);
  GossipDesk(const GossipDesk&) = delete;
  GossipDesk& operator=(const GossipDesk&) = delete;

  void start();

  // Hosts that the store lists, each with the port of its gossip; contacted now and for ever.
  // `docker`: some of them run dockerd.
  void set_hosts(const std::map<IpAddress, std::uint16_t>& hosts, bool docker);

  // Only then does on_stored() do anything.
  [[nodiscard]] bool has_provisional() const { return merge_.provisional() > 0; }

  void on_stored(const std::string& network_id, const std::string& endpoint_id);
  void on_gone(const std::string& network_id, const std::string& endpoint_id);
  // An endpoint of another host left that address; of the store.
  void on_left(const AddressClaim& claim);
  void on_store(bool readable);

  // Something of this host's endpoints may have changed.
  void on_local_change();

  void take_over(const AddressClaim& from) { announcer_.take_over(from); }

  void take_back(const AddressClaim& claim) { announcer_.take_back(claim); }

  // An endpoint asked for an address that nobody is known to have. Rate-limited.
  void on_miss(const Overlay::NetworkRecord& network, const IpAddress& address);

  struct State {
    bool well = false;
    std::string problem;
    Clock::time_point since;
    std::size_t members = 0;  // alive, this node too
    std::uint64_t malformed = 0;
    std::size_t provisional = 0;
  };

  [[nodiscard]] State state() const;

  // Addresses of live members; none while they are not known.
  [[nodiscard]] const std::optional<std::set<IpAddress>>& live_members() const { return live_; }

 private:
  void on_notice(const GossipNotice& notice);
  void on_event(const GossipNotice& notice);
  void on_query(const GossipNotice& notice);
  void on_answer(const std::string& network_id, const IpAddress& address,
                 const GossipAnswer& answer);
  void correct_others(const AddressClaim& claim);
  void hear(const PeerNews& news);
  bool may_warn();
  void contact();
  void count_members();
  void repeat_soon();
  void carry_out(const GossipMerge::Orders& orders);
  void tick();
  // The callback, run on the loop unless this is gone by then.
  template <typename T>
  std::function<void(T)> on_loop(std::function<void(const T&)> callback);

  Gossip& gossip_;
  EventLoop& loop_;
  const Overlay& overlay_;
  Hands hands_;
  GossipMerge merge_;
  Announcer announcer_;
  std::map<IpAddress, std::uint16_t> hosts_;
  std::map<std::pair<std::string, IpAddress>, Clock::time_point> asked_;
  std::map<std::pair<std::string, IpAddress>, std::vector<AddressClaim>> left_;
  State state_;
  std::optional<std::set<IpAddress>> live_;
  Clock::time_point warned_{};
  bool docker_ = false;
  bool ticking_ = false;
  std::unique_ptr<EventLoop::Timer> tick_;
  std::unique_ptr<EventLoop::Timer> contact_;
  std::unique_ptr<EventLoop::Timer> repeat_;
  std::unique_ptr<GossipSubscription> subscription_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

template <typename T>
std::function<void(T)> GossipDesk::on_loop(std::function<void(const T&)> callback) {
  return
      [loop = &loop_, alive = std::weak_ptr<int>(alive_), callback = std::move(callback)](T value) {
        loop->post([alive, callback, value = std::move(value)] {
          if (!alive.expired()) {
            callback(value);
          }
        });
      };
}

}  // namespace vtepd
