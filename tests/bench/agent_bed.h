// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/agent.h"
#include "bpf/bpf_dataplane.h"
#include "fakes/fake_host.h"
#include "fakes/memory_store.h"
#include "ports/kv_store.h"
#include "registry/registry.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::bench {

// BPF tables, whose programs are attached to nothing.
class TablesOnly final : public Dataplane {
 public:
  explicit TablesOnly(std::unique_ptr<BpfDataplane> tables) : tables_(std::move(tables)) {}

  Result<ForwardingState> read_back() override { return tables_->read_back(); }

  ApplyReport apply(const ForwardingDelta& delta) override { return tables_->apply(delta); }

  Result<ForwardingDelta> missing(const ForwardingState& wanted) override {
    return tables_->missing(wanted);
  }

  [[nodiscard]] bool carries_on() const override { return true; }

  Result<void> commit() override { return tables_->commit(); }

  Result<void> attach_underlay(const UnderlayDevice& /*device*/) override { return {}; }

  Result<void> attach_port(IfIndex /*host_end*/, std::string_view /*name*/) override { return {}; }

  void detach_port(std::string_view /*name*/) override {}

  Result<std::vector<std::string>> verify_attachments() override {
    return std::vector<std::string>{};
  }

  Result<std::vector<ReasonCount>> counters() override { return tables_->counters(); }

  std::vector<TableUsage> usage() override { return tables_->usage(); }

  [[nodiscard]] DataplaneInfo info() const override { return tables_->info(); }

  [[nodiscard]] int events_fd() const override { return -1; }

  void consume(const std::function<void(const DataplaneEvent&)>& /*take*/) override {}

 private:
  std::unique_ptr<BpfDataplane> tables_;
};

// Tables of an instance of its own that hold so many endpoints. Its pins go with the program.
[[nodiscard]] std::unique_ptr<TablesOnly> open_tables(std::uint32_t endpoints);

// The daemon's agent in this process: its core, its decoder and BPF tables, a store in memory with
// one network, and one endpoint of that on this host, so that the network is programmed.
class AgentBed {
 public:
  explicit AgentBed(std::uint32_t endpoints);
  ~AgentBed();
  AgentBed(const AgentBed&) = delete;
  AgentBed& operator=(const AgentBed&) = delete;

  // What the store holds, and the endpoints of frame.h from `first` on, as dockerd writes them.
  [[nodiscard]] std::vector<KvPair> stored() { return pairs_of(store_); }

  [[nodiscard]] KvPair endpoint(std::uint32_t number) const;

  [[nodiscard]] EventLoop& loop() { return loop_; }

  [[nodiscard]] Agent& agent() { return *agent_; }

  // How many entries the FDB holds.
  [[nodiscard]] std::uint64_t forwarded();

 private:
  static std::vector<KvPair> pairs_of(MemoryStore& store);
  [[nodiscard]] LocalEndpoint local_endpoint() const;

  MemoryStore store_;
  Registry registry_;
  Network network_;
  std::unique_ptr<TablesOnly> tables_;
  FakeLinks links_;
  FakeUnderlay underlay_;
  StateFile state_;
  EventLoop loop_;
  std::optional<Worker> worker_;
  std::optional<Agent> agent_;
};

}  // namespace vtepd::bench
