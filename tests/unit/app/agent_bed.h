// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/agent.h"
#include "fakes/fake_gossip.h"
#include "fakes/fake_host.h"
#include "fakes/memory_store.h"
#include "registry/decoder.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace vtepd {

// One daemon without a kernel. `store` may be shared by several.
struct Bed {
  explicit Bed(MemoryStore& shared, std::string instance = "a", bool gossips = false)
      : store(shared), state(folder + "/" + instance), with_gossip(gossips) {
    registry.emplace(store, Registry::Options{.prefix = "",
                                              .vtep = kVtep,
                                              .owner = "a@198.51.100.1",
                                              .make_id = {},
                                              .timestamp = {}});
    start();
  }

  ~Bed() {
    stop();
    std::filesystem::remove_all(folder);
  }

  void start() {
    decoder.emplace("");  // one per watch
    loop.emplace();
    worker.emplace();
    agent.emplace(Agent::Options{.version = "test",
                                 .instance = "a",
                                 .host = "host",
                                 .owner = "a@198.51.100.1",
                                 .boot_id = "boot",
                                 .store_name = "memory",
                                 .port = 4789,
                                 .vtep = kVtep,
                                 .gossip_name = "serf",
                                 .gossip_port = static_cast<std::uint16_t>(with_gossip ? 7946 : 0),
                                 .follows_in_use = follows_in_use,
                                 .no_big_tcp = no_big_tcp,
                                 .audit_pause = std::chrono::milliseconds(10),
                                 .host_return = std::chrono::seconds(host_return)},
                  Agent::Ports{*loop, *worker, store, *registry, dataplane, links, underlay, state,
                               with_gossip ? &gossip : nullptr});
    ASSERT_TRUE(agent->start(*state.load(), *state.load_pending()));
  }

  void stop() {
    worker.reset();
    agent.reset();
    loop.reset();
  }

  // Hands the agent all that the store holds, as a watch would.
  void sync() {
    KvEvent snapshot{KvEvent::Kind::Snapshot, {}, {}};
    for (const auto& [key, pair] : store.pairs()) {
      snapshot.pairs.push_back(pair);
    }
    agent->on_store_events(decoder->decode(snapshot));
  }

  bool run_until(const std::function<bool()>& done,
                 std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    auto timer = loop->make_timer();
    std::function<void()> look = [&] {
      if (done() || std::chrono::steady_clock::now() > deadline) {
        loop->stop();
      } else {
        timer->set(std::chrono::milliseconds(1), look);
      }
    };
    loop->post(look);
    loop->run();
    return done();
  }

  template <typename T>
  Result<T> ask(const std::function<void(Control::Reply<T>)>& call) {
    std::optional<Result<T>> answer;
    call([&](Result<T> result) { answer = std::move(result); });
    EXPECT_TRUE(run_until([&] { return answer.has_value(); })) << "no answer";
    return answer ? *answer : Result<T>(fail(ErrorKind::Internal, "no answer"));
  }

  Result<std::vector<EndpointView>> endpoints() {
    return ask<std::vector<EndpointView>>([&](auto reply) { agent->endpoints(reply); });
  }

  void make_network() {
    NetworkSpec spec{.name = "blue", .subnets = {*IpPrefix::parse("192.0.2.0/24")}, .vni = {}};
    const auto made = ask<NetworkView>([&](auto reply) { agent->create_network(spec, reply); });
    ASSERT_TRUE(made) << made.error().what;
    sync();
  }

  Result<AttachReply> attach(const std::string& netns, const std::string& address = "") {
    AttachRequest request{.network = "blue", .netns_path = netns};
    if (!address.empty()) {
      request.address4 = *IpAddress::parse(address);
    }
    auto reply = ask<AttachReply>([&](auto answer) { agent->attach(request, answer); });
    sync();
    return reply;
  }

  Result<EndpointView> detach(const std::string& name) {
    return ask<EndpointView>([&](auto reply) { agent->detach({.endpoint = name}, reply); });
  }

  // An endpoint of the only network as dockerd on that host writes it: named "x", its id that
  // digit 64 times. Answers its key.
  std::string docker_writes(char digit, const std::string& host, const char* address) {
    const std::string id(64, digit);
    const auto ip = *IpAddress::parse(address);
    const std::string key =
        "docker/network/v1.0/endpoint/" + endpoints()->front().network_id + "/" + id + "/";
    const std::string value = R"({"id":")" + id + R"(","name":"x","sandbox":")" + id +
                              R"(","locator":")" + host + R"(","ep_iface":{"addr":")" + address +
                              R"(/24","dstPrefix":"eth","mac":")" + docker_mac(ip).to_string() +
                              R"(","srcName":"","v4PoolID":"","v6PoolID":""}})";
    EXPECT_TRUE(store.put(key, value, 0, nullptr));
    sync();
    return key;
  }

  // Endpoint keys, and the endpoint count, that the store holds.
  std::pair<std::size_t, std::string> stored() {
    std::size_t endpoints = 0;
    std::string count;
    for (const auto& [key, pair] : store.pairs()) {
      if (key.find("/endpoint/") != std::string::npos &&
          pair.value.find("\"id\"") != std::string::npos) {
        ++endpoints;
      }
      if (key.find("/endpoint_count/") != std::string::npos && !pair.value.empty()) {
        count = pair.value;
      }
    }
    return {endpoints, count};
  }

  static std::string make_folder() {
    char name[] = "/tmp/vtepd-agent-XXXXXX";
    return ::mkdtemp(name);
  }

  inline static const IpAddress kVtep = IpAddress::v4(0xc6336401);
  std::string folder = make_folder();
  MemoryStore& store;
  StateFile state;
  bool with_gossip = false;
  bool follows_in_use = false;
  std::string no_big_tcp;
  int host_return = 0;
  FakeGossip gossip;
  FakeDataplane dataplane;
  FakeLinks links;
  FakeUnderlay underlay;
  std::optional<RegistryDecoder> decoder;
  std::optional<Registry> registry;
  std::optional<EventLoop> loop;
  std::optional<Worker> worker;
  std::optional<Agent> agent;
};

}  // namespace vtepd
