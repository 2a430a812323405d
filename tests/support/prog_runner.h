// SPDX-License-Identifier: GPL-2.0-only
// Runs the programs of the data path on one frame at a time (BPF_PROG_TEST_RUN), with maps set up
// by the test, and reports verdict, frame and every counter that moved.
#pragma once

#include "support/packet.h"
#include "vtepd/abi.h"
#include "vtepd/reasons.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <linux/types.h>

struct bpf_map;
struct datapath_bpf;

namespace vtepd::test {

inline constexpr std::uint16_t kAllFeatures = VTEP_FEATURE_ENCAP_L2_ETH | VTEP_FEATURE_DECAP_L3 |
                                              VTEP_FEATURE_XDP_FRAGS | VTEP_FEATURE_KERNEL_SKB;

enum class Program { FromEp, FromNk, FromUl, FromSeg, FromXdp, UnderlayGuard, Guard, DropAll };

// What TC makes of the return value.
enum class Verdict : int { Next = -1, Drop = 2, Redirect = 7 };

using CounterKey = std::pair<std::uint32_t, vtep_reason>;

struct Outcome {
  Verdict verdict{};
  Bytes frame;
  std::map<CounterKey, vtep_counter> counted;  // only what moved
};

// Of the program on the driver's hook.
struct StripOutcome {
  int verdict = 0;  // XDP_PASS …
  Bytes frame;
  std::optional<vtep_meta> meta;
};

struct RunOptions {
  int ifindex = 1;
  std::uint32_t gso_size = 0;
  std::uint32_t mark = 0;
  std::uint16_t tc_index = 0;
  bool checksum_complete = false;  // the kernel compares its sum after the run
};

const char* reason_name(vtep_reason reason);
std::string to_string(const std::map<CounterKey, vtep_counter>& counted);

// What the loader does to the programs before the kernel gets them.
void prepare(datapath_bpf& skeleton, const vtep_config& config);

class ProgRunner {
 public:
  // Loads the object, and binds the thread to the processor that it is on: what the programs
  // remember is that processor's. Throws std::runtime_error with the verifier's log.
  explicit ProgRunner(const vtep_config& config);
  ~ProgRunner();
  ProgRunner(const ProgRunner&) = delete;
  ProgRunner& operator=(const ProgRunner&) = delete;

  StripOutcome strip(const Bytes& frame, int ifindex);
  Outcome run(Program program, const Bytes& frame, const RunOptions& options = {});

  // Changes of the tables begin a new epoch each, as the agent's do, but for what `change` does.
  void in_the_same_epoch(const std::function<void()>& change);
  void begin_epoch();
  void set_fdb(std::uint32_t vni, const Mac& mac, const vtep_fdb_value& value);
  void set_neigh(std::uint32_t vni, const Ip6& address, const Mac& mac);
  void set_peer(std::uint32_t id, const vtep_peer& peer);
  void set_port(std::uint32_t ifindex, const vtep_port& port);
  void remove_port(std::uint32_t ifindex);
  void allow(std::uint32_t ifindex, const Ip6& address, unsigned prefix);
  void allow_mac(std::uint32_t ifindex, const Mac& mac);
  void set_vni(std::uint32_t vni, const vtep_vni& value);
  void remove_vni(std::uint32_t vni);
  void set_member(std::uint32_t vni, const Ip4& vtep);
  void remove_member(std::uint32_t vni, const Ip4& vtep);
  void remove_fdb(std::uint32_t vni, const Mac& mac);
  void set_segmenter(std::uint32_t ifindex);
  void set_underlay(std::uint32_t ifindex, const vtep_underlay& value);

  // Packets that vtep_counters has, which is only a part of what a run reports as counted.
  std::uint64_t in_hash(std::uint32_t vni, vtep_reason reason);
  // Events raised since the last call.
  std::vector<vtep_event> events();

 private:
  std::map<CounterKey, vtep_counter> counters();
  std::map<CounterKey, vtep_counter> hash_counters();
  void add_traffic(std::map<CounterKey, vtep_counter>& to);
  template <typename Key, typename Value>
  void update(bpf_map* map, const Key& key, const Value& value);
  template <typename Key>
  void remove(bpf_map* map, const Key& key);

  struct Close {
    void operator()(datapath_bpf* skeleton) const;
  };

  std::unique_ptr<datapath_bpf, Close> skeleton_;
  void* ring_ = nullptr;
  std::vector<vtep_event> events_;
  std::uint64_t epoch_ = 0;
  bool epoch_stays_ = false;
  std::map<std::uint32_t, std::uint32_t> slots_;  // of vtep_traffic -> VNI
};

// A template as the agent writes it: `remote` is the next hop too.
vtep_peer make_peer(const Ip4& local, const Ip4& remote, std::uint32_t ifindex, std::uint16_t port);

}  // namespace vtepd::test
