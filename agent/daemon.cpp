// SPDX-License-Identifier: GPL-2.0-only
// The composition root of the daemon. Top to bottom it is also the order of start-up; the arrows
// say which way things flow.
#include "daemon.h"

#include "api/api_server.h"
#include "app/agent.h"
#include "app/late_store.h"
#include "gossip.h"
#include "host.h"
#include "registry/registry.h"
#include "registry/registry_watch.h"
#include "runtime/event_loop.h"
#include "runtime/log.h"
#include "runtime/service_notify.h"
#include "runtime/worker.h"
#include "state/durable_file.h"
#include "state/instance_lock.h"
#include "state/state_file.h"
#include "store.h"

#include <array>
#include <memory>
#include <utility>

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace vtepd {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string boot_id() {
  const auto id = read_file("/proc/sys/kernel/random/boot_id");
  return id ? id->substr(0, id->find('\n')) : "";
}

struct OpenedStore {
  std::unique_ptr<KvStore> store;
  bool away = false;
};

// Of a store that this instance has used before only its being away is believed, never that there
// is nothing in it: forwarding goes on by the saved state until it is back.
Result<OpenedStore> open_file_store(const Config& config, bool known) {
  auto opened = open_store(config, !known);
  if (opened) {
    return OpenedStore{std::move(*opened)};
  }
  if (!known) {
    return fail(opened.error());
  }
  spdlog::warn("starting without the store, forwarding goes on by the saved state: {}",
               opened.error().what);
  return OpenedStore{std::make_unique<LateStore>([config] { return open_store(config, false); }),
                     true};
}

// As above. A wrong address, token or certificate file is an error at any time.
Result<OpenedStore> open_consul_store(const Config& config, bool known) {
  auto opened = open_store(config, false);
  if (!opened) {
    return fail(opened.error());
  }
  Registry registry(**opened, {.prefix = config.store.prefix});
  if (!known) {
    auto made = registry.prepare();
    return made ? Result<OpenedStore>(OpenedStore{std::move(*opened)})
                : fail(made.error().kind,
                       made.error().what +
                           "; the first start needs the store: see that it runs, and [store]");
  }
  const auto there = registry.prepared();
  const bool away = !there || !*there;
  if (away) {
    spdlog::warn("starting without the store, forwarding goes on by the saved state: {}",
                 there ? "it has lost its keys" : there.error().what);
  }
  return OpenedStore{std::move(*opened), away};
}

}  // namespace

std::string owner_of(const Config& config, const IpAddress& vtep) {
  return config.instance + "@" + vtep.to_string();
}

Result<void> run_daemon(const Config& config) {
  if (::geteuid() != 0) {
    return fail(ErrorKind::Denied,
                "vtepd must run as root (CAP_NET_ADMIN, CAP_BPF, CAP_SYS_ADMIN)");
  }
  auto lock = InstanceLock::acquire_instance(config.paths.run, config.instance);
  if (!lock) {
    return fail(lock.error());
  }
  if (auto claimed = lock->acquire_port(config.underlay.port); !claimed) {
    return claimed;
  }
  StateFile state(config.state_dir());
  auto saved = state.load();
  if (!saved) {
    return fail(saved.error());
  }
  auto pending = state.load_pending();
  if (!pending) {
    return fail(pending.error());
  }
  const bool known = saved->store == store_identity(config);
  auto opened = config.store.kind == "consul" ? open_consul_store(config, known)
                                              : open_file_store(config, known);
  if (!opened) {
    return fail(opened.error().context("store"));
  }
  KvStore& store = *opened->store;
  auto host = open_host(config, *saved);
  if (!host) {
    return fail(host.error());
  }
  saved->store = store_identity(config);
  saved->idle_device = host->idle_device;

  const IpAddress vtep = host->device.address;
  const std::string owner = owner_of(config, vtep);
  Registry registry(store, {.prefix = config.store.prefix,
                            .vtep = vtep,
                            .owner = owner,
                            .with_docker = config.store.kind == "consul"});
  auto gossip = open_gossip(config, vtep, host_name());
  if (!gossip) {
    return fail(gossip.error());
  }
  EventLoop loop;
  Worker worker;
  Agent agent({.version = VTEPD_VERSION,
               .instance = config.instance,
               .host = host_name(),
               .owner = owner,
               .boot_id = boot_id(),
               .store_name = store_name(config),
               .port = config.underlay.port,
               .vtep = vtep,
               .gossip_name = gossip->name,
               .gossip_port = gossip->port,
               .follows_in_use = watched_reach(config) == RegistryWatch::Reach::InUse,
               .no_big_tcp = host->no_big_tcp},
              {loop, worker, store, registry, *host->dataplane, *host->links, *host->underlay,
               state, gossip->gossip.get()});
  if (auto started = agent.start(std::move(*saved), std::move(*pending)); !started) {
    return started;
  }
  settle_host(config, *host);

  if (host->segmenter) {
    agent.on_verify([&] { return host->segmenter->verify(); });
  }
  loop.on_readable(lock->port_fd(), [&] { lock->answer(); });
  // kernel's links and routes -> agent
  loop.on_readable(host->underlay->fd(), [&] {
    if (const auto read = host->underlay->on_readable(); !read) {
      spdlog::warn("netlink: {}", read.error().what);
    }
  });
  if (host->host_ends) {
    loop.on_readable(host->host_ends->fd(), [&] {
      if (const auto gone = host->host_ends->read(); !gone) {
        spdlog::warn("netlink: {}", gone.error().what);
      } else if (!gone->empty()) {
        agent.on_links_gone(*gone);
      }
    });
  }
  // frames worth a look -> agent
  loop.on_readable(host->dataplane->events_fd(), [&] {
    host->dataplane->consume([&](const DataplaneEvent& event) { agent.on_dataplane_event(event); });
  });
  // store -> decoder (on the watches' threads) -> agent
  auto started = RegistryWatch::start(
      store, config.store.prefix, watched_reach(config), agent.followed(),
      [&loop, &agent](std::vector<StoreEvent> decoded) {
        auto events = std::make_shared<std::vector<StoreEvent>>(std::move(decoded));
        loop.post([&agent, events] { agent.on_store_events(std::move(*events)); });
      });
  if (!started) {
    return fail(started.error().context("store"));
  }
  std::shared_ptr<RegistryWatch> watch = std::move(*started);
  agent.on_reread([&watch](const KvEvent& event) { watch->on_read(event); });
  agent.on_refresh([&watch] { watch->refresh(); });
  agent.on_follow([&worker, watch](const auto& networks) {
    worker.run([watch, networks] { watch->follow(networks); });
  });
  if (opened->away) {
    notify_service("READY=1\nSTATUS=forwarding by the saved state, the store is away");
  }
  agent.on_ready([&] { notify_service("READY=1\nSTATUS=in step with the store"); });
  // people -> API -> agent
  ApiServer api(loop, agent, {.socket = config.api.socket});
  if (auto listening = api.start(); !listening) {
    return listening;
  }
  loop.on_terminate([&](int signal) {
    spdlog::info("stopping on signal {}, forwarding goes on without the daemon", signal);
    notify_service("STOPPING=1");
    loop.stop();
  });
  const auto info = host->dataplane->info();
  spdlog::info("vtepd {} running instance={} vtep={} device={} port={} dataplane={} socket={}",
               VTEPD_VERSION, config.instance, vtep.to_string(), host->device.name,
               config.underlay.port,
               info.kind + (info.mode.empty() ? "" : "/" + info.mode + " attach=" + info.attach),
               config.api.socket);
  loop.run();
  agent.on_follow({});
  watch.reset();
  return {};
}

}  // namespace vtepd
