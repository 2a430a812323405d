// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/acknowledgements.h"
#include "app/followed_networks.h"
#include "app/gossip_desk.h"
#include "core/move_limiter.h"
#include "core/overlay.h"
#include "core/store_event.h"
#include "ports/control.h"
#include "ports/dataplane.h"
#include "ports/kv_store.h"
#include "ports/links.h"
#include "ports/underlay.h"
#include "registry/registry.h"
#include "runtime/event_loop.h"
#include "runtime/worker.h"
#include "state/state_file.h"
#include "view/view_builder.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// The daemon's one stateful object: takes what the store, the kernel and people say, keeps the
// core's tables, and pushes what follows to the data path, the store and the state file.
//
// Threading: everything runs on the loop's thread. Blocking store calls run on the worker, whose
// results come back by post(). Attach, detach and network changes run one after another, so that
// none sees another half done.
class Agent : public Control {
 public:
  struct Options {
    std::string version;
    std::string instance;
    std::string host;   // host name, for people
    std::string owner;  // as the registry writes it
    std::string boot_id;
    std::string store_name;  // "file /var/lib/vtepd/store", for people
    std::uint16_t port = 0;
    IpAddress vtep;
    std::string gossip_name;        // "serf 192.0.2.1:7946", for people; empty: none
    std::uint16_t gossip_port = 0;  // where other nodes contact ours
    bool follows_in_use = false;    // the store is followed with RegistryWatch::Reach::InUse
    // Why endpoints keep the kernel's length of TCP frames (core/tcp_frame.h); empty: they need
    // not.
    std::string no_big_tcp;
    // What is found twice, so long apart, in the store is no change under way.
    std::chrono::milliseconds audit_pause{2000};
    // A host whose keys went with a session that the store lost has made them anew by then.
    std::chrono::seconds host_return{15};
  };

  // Everything outside the process. All outlive the agent.
  struct Ports {
    EventLoop& loop;
    Worker& worker;
    KvStore& store;
    Registry& registry;
    Dataplane& dataplane;
    Links& links;
    Underlay& underlay;
    StateFile& state;
    Gossip* gossip = nullptr;  // none: the store's watch alone carries changes
  };

  Agent(Options options, Ports ports);
  ~Agent() override;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Adopts what an earlier run left: local endpoints and the data path's tables. Forwarding goes on
  // from here; nothing is removed before the store has spoken.
  Result<void> start(SavedState saved, std::vector<Endpoint> pending);
  // What a watch reported, decoded; a batch is applied as a whole.
  void on_store_events(std::vector<StoreEvent> events);
  void on_dataplane_event(const DataplaneEvent& event);
  // Names that stopped meaning their interface, where the host ends of endpoints are.
  void on_links_gone(const std::vector<std::string>& names);

  // Called once, when the first complete state of the store is in the data path.
  void on_ready(std::function<void()> callback) { ready_ = std::move(callback); }

  // Called in turn with the programs' own check; says what it put right.
  void on_verify(std::function<std::vector<std::string>()> callback) {
    verify_more_ = std::move(callback);
  }

  // Called with an endpoint's key that was read besides the watch, on the loop's thread; to come
  // back as store events.
  void on_reread(std::function<void(const KvEvent&)> callback) { reread_ = std::move(callback); }

  // Called with the networks whose endpoints are to be followed, whenever that changes; those from
  // the start are followed().
  void on_follow(std::function<void(const FollowedNetworks::Ids&)> callback) {
    follow_ = std::move(callback);
  }

  [[nodiscard]] FollowedNetworks::Ids followed() const { return followed_.ids(); }

  // Called when the data path saw something that the store should be asked about.
  void on_refresh(std::function<void()> callback) { refresh_ = std::move(callback); }

  void create_network(const NetworkSpec& spec, Reply<NetworkView> reply) override;
  void list_networks(Reply<std::vector<NetworkView>> reply) override;
  void inspect_network(const std::string& name_or_id, Reply<NetworkView> reply) override;
  void remove_network(const std::string& name_or_id, Reply<NetworkView> reply) override;
  void attach(const AttachRequest& request, Reply<AttachReply> reply) override;
  void detach(const DetachRequest& request, Reply<EndpointView> reply) override;
  void add_address(const AddressRequest& request, Reply<EndpointView> reply) override;
  void remove_address(const AddressRequest& request, Reply<EndpointView> reply) override;
  void endpoints(Reply<std::vector<EndpointView>> reply) override;
  void stale_endpoints(Reply<std::vector<EndpointView>> reply) override;
  void differences(Reply<std::vector<DifferenceView>> reply) override;
  void repair(const RepairRequest& request, Reply<RepairReply> reply) override;
  Result<std::vector<FdbView>> fdb() override;
  Result<std::vector<NeighbourView>> neighbours() override;
  Result<std::vector<VtepView>> vteps() override;
  Result<std::vector<DropView>> drops() override;
  StatusView status() override;

 private:
  friend class AttachFlow;
  friend class AuditFlow;
  friend class RepairFlow;
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void()>;

  // One attach, detach or network change at a time; `Done` starts the next.
  void enqueue(std::function<void(Done)> operation);
  void next_operation();

  // Runs a blocking call on the worker and hands its result back on the loop.
  template <typename T>
  void on_worker(std::function<Result<T>()> call, std::function<void(Result<T>)> then) {
    auto* loop = &ports_.loop;
    const std::weak_ptr<int> alive = alive_;
    ports_.worker.run([=, call = std::move(call), then = std::move(then)] {
      loop->post([alive, then, result = call()]() mutable {
        if (!alive.expired()) {
          then(std::move(result));
        }
      });
    });
  }

  void take(StoreEvent& event);
  void expect_endpoints(const std::vector<StoreEvent>& events);
  void take_endpoints(store_event::EndpointsUp& up);
  void tell_who_waits(const std::vector<StoreEvent>& events);
  void follow(const FollowedNetworks::Ids& networks);
  // Calls back when everything that the store has of the network is in the tables.
  void with_endpoints_of(const std::string& network_id, FollowedNetworks::Then then);
  // Resolves routes of new VTEPs and pushes what changed to the data path.
  ApplyReport program();
  void route_new_peers();
  void note_failures(const ApplyReport& report);
  void reconcile();  // compares the data path's tables with the desired ones
  void adopt(const LocalEndpoint& local);
  Result<void> hook_up();
  void hook_up_late();
  void on_underlay_change(const std::vector<std::string>& links_gone);
  void follow_routes();
  void verify_later();
  void verify_programs();
  void verify_entries(std::size_t next);
  void verify_host_ends(bool starting);
  bool keep_name(const LocalEndpoint& local);

  // Long TCP frames of endpoints where nothing is lost by them (agent_tcp_frames.cpp).
  void follow_segmentation();
  [[nodiscard]] std::string why_usual_tcp_frames() const;
  void limit_tcp_frames(const LocalEndpoint& local);
  [[nodiscard]] std::string describe_tcp_frames() const;

  void publish_node();

  // Gossip (agent_gossip.cpp).
  void start_gossip();
  void on_gossip(const GossipMerge::Orders& orders);
  void tell_gossip_of_hosts();
  void on_miss(const DataplaneEvent& event);
  void tell_gossip_of_move(const FloatingAddress& wanted);
  // An endpoint of an earlier run.
  void tell_gossip_it_went(const Endpoint& endpoint);
  // An endpoint of another host, before the tables lose it.
  void tell_gossip_who_left(const std::string& network_id, const std::string& endpoint_id);
  void announce_beyond_vtepd(const FloatingAddress& moved);
  // Asks for a read of everything, at most so often.
  bool refresh_store(std::chrono::milliseconds interval);

  // What is not as it should be (agent_audit.cpp).
  [[nodiscard]] registry::Witness witness(bool in_operation) const;
  // What the agent's own tables have to say about what was read from the store.
  void add_findings(registry::Audit& audit) const;
  Result<std::vector<DifferenceView>> table_differences();

  // Addresses that move (agent_addresses.cpp).
  void on_announcement(const DataplaneEvent& event);
  void carry_out_moves();
  Result<void> check_move(const LocalEndpoint& local, const AddressMove& move);
  // Unavailable during an outage: what is asked then may come from half a store.
  [[nodiscard]] Result<void> check_store() const;
  void hold(const AddressMove& move, std::function<void(Result<void>)> then);
  void remember_held();
  void announce_moved();
  void announce(const NeighbourKey& key, const MacAddress& mac);
  [[nodiscard]] EndpointView local_view(const LocalEndpoint& local) const;

  // Programs and pair of a host end, if they are there.
  void remove_interface(const std::string& host_ifname);
  // Takes a local endpoint out of the data path and the state, its interfaces off the host, and
  // remembers that the store must follow.
  void remove_local(const std::string& id);
  void withdraw_pending(std::function<void(Result<void>)> then);
  // What an earlier run wrote and then lost track of (a crash between store and state file).
  void withdraw_orphans(const Done& done);
  Result<void> save_state();
  void save_pending();
  void retry_later();

  Result<const LocalEndpoint*> find_local(const DetachRequest& request) const;
  [[nodiscard]] ViewNames names() const;
  void add_stored_views(const Overlay& overlay, std::vector<EndpointView>& views) const;
  [[nodiscard]] Vni vni_of(const LocalEndpoint& local) const;
  void collect_problems(StatusView& view);
  // An endpoint of the network that somebody else on this host wrote, such as dockerd; or nullptr.
  [[nodiscard]] const Overlay::EndpointRecord* stranger_in(
      const Overlay::NetworkRecord& network) const;
  void show_gossip(StatusView& view) const;
  EndpointView stored_endpoint_view(const Overlay::NetworkRecord& network,
                                    const Overlay::EndpointRecord& endpoint) const;

  Options options_;
  Ports ports_;
  Overlay overlay_;
  Acknowledgements acknowledgements_;
  FollowedNetworks followed_;
  SavedState saved_;  // endpoints are kept in overlay_.locals(); here only the rest
  std::vector<Endpoint> pending_;
  std::map<IpAddress, Node> nodes_;
  std::multiset<IpAddress> docker_hosts_;
  std::map<IpAddress, Clock::time_point> hosts_gone_;
  bool hosts_changed_ = false;  // since gossip was told
  std::optional<GossipDesk> gossip_;
  std::map<std::string, std::string> malformed_;
  std::shared_ptr<KvSession> session_;
  std::optional<UnderlayDevice> hooked_;  // where the data path is hooked up
  std::string hook_problem_;
  std::string host_end_problem_;
  std::optional<std::string> usual_tcp_frames_;  // why; empty: they are long; none: not asked yet

  std::deque<std::function<void(Done)>> operations_;
  bool busy_ = false;
  bool synced_ = false;
  bool node_published_ = false;
  static constexpr const char* kNoAnswerYet = "the store has not answered yet";
  std::string store_problem_ = kNoAnswerYet;
  std::string underlay_problem_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point store_since_ = Clock::now();
  std::vector<std::string> apply_errors_;
  std::unique_ptr<EventLoop::Timer> retry_timer_;
  std::chrono::milliseconds retry_delay_{0};
  std::unique_ptr<EventLoop::Timer> verify_timer_;
  Clock::time_point last_refresh_{};
  MoveLimiter moves_{std::chrono::seconds(1)};
  std::unique_ptr<EventLoop::Timer> move_timer_;
  std::set<std::pair<std::string, IpAddress>>
      unconfirmed_;  // remembered, not yet seen in the store
  std::function<void()> ready_;
  std::function<void()> refresh_;
  std::function<void(const KvEvent&)> reread_;
  std::function<void(const FollowedNetworks::Ids&)> follow_;
  std::function<std::vector<std::string>()> verify_more_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace vtepd
