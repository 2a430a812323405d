// SPDX-License-Identifier: GPL-2.0-only
#include "support/prog_runner.h"

#include "bpf/kernel_skb.h"
#include "datapath.skel.h"
#include "support/with_tc_index.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

std::string& load_log() {
  static std::string log;
  return log;
}

int keep_log(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) {
    return 0;
  }
  std::array<char, 4096> line{};
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  load_log() += line.data();
  return size;
}

void require(bool ok, const std::string& what) {
  if (!ok) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
  }
}

bpf_program* program_of(const datapath_bpf& skeleton, Program program) {
  switch (program) {
    case Program::FromEp:
      return skeleton.progs.vtep_from_ep;
    case Program::FromNk:
      return skeleton.progs.vtep_from_nk;
    case Program::FromUl:
      return skeleton.progs.vtep_from_ul;
    case Program::FromSeg:
      return skeleton.progs.vtep_from_seg;
    case Program::FromXdp:
      return skeleton.progs.vtep_from_xdp;
    case Program::UnderlayGuard:
      return skeleton.progs.vtep_ul_guard;
    case Program::Guard:
      return skeleton.progs.vtep_ep_guard;
    case Program::DropAll:
      return skeleton.progs.vtep_drop_all;
  }
  throw std::invalid_argument("program");
}

void stay_on_this_cpu() {
  const int here = sched_getcpu();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(std::max(here, 0)), &set);
  require(here >= 0 && sched_setaffinity(0, sizeof set, &set) == 0, "stay on one processor");
}

constexpr __u32 kSlots = 4;  // of vtep_traffic; the first is nobody's

void set_frames(bpf_test_run_opts& test, const Bytes& in, Bytes& out) {
  test.data_in = in.data();
  test.data_size_in = static_cast<__u32>(in.size());
  test.data_out = out.data();
  test.data_size_out = static_cast<__u32>(out.size());
}

}  // namespace

const char* reason_name(vtep_reason reason) {
  static constexpr std::array kNames{
#define VTEP_REASON_NAME(name, kind, text, hint) #name,
      VTEP_REASONS(VTEP_REASON_NAME)
#undef VTEP_REASON_NAME
  };
  return reason < kNames.size() ? kNames[reason] : "?";
}

std::string to_string(const std::map<CounterKey, vtep_counter>& counted) {
  std::string out;
  for (const auto& [key, value] : counted) {
    out += "vni " + std::to_string(key.first) + " " + reason_name(key.second) + ": " +
           std::to_string(value.packets) + " packets, " + std::to_string(value.bytes) + " bytes; ";
  }
  return out.empty() ? "nothing" : out;
}

void prepare(datapath_bpf& skeleton, const vtep_config& config) {
  static const auto kernel_skb = find_kernel_skb();
  skeleton.rodata->vtep_cfg = config;
  if ((config.features & VTEP_FEATURE_XDP_FRAGS) != 0) {
    bpf_program__set_flags(skeleton.progs.vtep_strip, BPF_F_XDP_HAS_FRAGS);
  }
  const bool reads = (config.features & VTEP_FEATURE_KERNEL_SKB) != 0;
  const auto put =
      put_kernel_skb(skeleton.obj, reads && kernel_skb ? std::optional(*kernel_skb) : std::nullopt);
  require(put.has_value(), "put the kernel's function in");
}

void ProgRunner::Close::operator()(datapath_bpf* skeleton) const {
  datapath_bpf::destroy(skeleton);
}

ProgRunner::ProgRunner(const vtep_config& config) {
  stay_on_this_cpu();
  libbpf_set_print(keep_log);
  load_log().clear();
  skeleton_.reset(datapath_bpf::open());
  require(skeleton_ != nullptr, "open");
  prepare(*skeleton_, config);
  bpf_map__set_max_entries(skeleton_->maps.vtep_traffic, kSlots * VTEP_TRAFFIC_KINDS);
  require(datapath_bpf::load(skeleton_.get()) == 0, "load: " + load_log());
  const auto on_event = [](void* self, void* data, std::size_t size) {
    vtep_event event{};
    std::memcpy(&event, data, std::min(size, sizeof event));
    static_cast<ProgRunner*>(self)->events_.push_back(event);
    return 0;
  };
  ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.vtep_events), on_event, this, nullptr);
  require(ring_ != nullptr, "ring buffer");
}

ProgRunner::~ProgRunner() {
  ring_buffer__free(static_cast<ring_buffer*>(ring_));
}

StripOutcome ProgRunner::strip(const Bytes& frame, int ifindex) {
  Bytes out(frame.size() + 256);
  xdp_md context{};
  context.data_end = static_cast<__u32>(frame.size());
  context.ingress_ifindex = static_cast<__u32>(ifindex);
  LIBBPF_OPTS(bpf_test_run_opts, test);
  set_frames(test, frame, out);
  test.ctx_in = &context;
  test.ctx_size_in = sizeof context;
  test.ctx_out = &context;
  test.ctx_size_out = sizeof context;
  require(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.vtep_strip), &test) == 0,
          "run vtep_strip");
  out.resize(test.data_size_out);

  StripOutcome outcome{static_cast<int>(test.retval), {}, {}};
  const auto metadata = static_cast<std::ptrdiff_t>(context.data - context.data_meta);
  outcome.frame.assign(out.begin() + metadata, out.end());
  if (metadata == sizeof(vtep_meta)) {
    std::memcpy(&outcome.meta.emplace(), out.data(), sizeof(vtep_meta));
  }
  return outcome;
}

Outcome ProgRunner::run(Program program, const Bytes& frame, const RunOptions& options) {
  const auto before = counters();
  Bytes out(frame.size() + 256);
  __sk_buff context{};
  context.ifindex = static_cast<__u32>(options.ifindex);
  context.gso_size = options.gso_size;
  context.mark = options.mark;
  LIBBPF_OPTS(bpf_test_run_opts, test);
  set_frames(test, frame, out);
  test.ctx_in = &context;
  test.ctx_size_in = sizeof context;
  test.flags = options.checksum_complete ? BPF_F_TEST_SKB_CHECKSUM_COMPLETE : 0U;
  const int fd = bpf_program__fd(program_of(*skeleton_, program));
  std::optional<WithTcIndex> preset;
  if (options.tc_index != 0) {
    preset.emplace(fd, options.tc_index);
  }
  require(bpf_prog_test_run_opts(preset ? preset->fd() : fd, &test) == 0, "run");
  out.resize(test.data_size_out);

  Outcome outcome{static_cast<Verdict>(static_cast<int>(test.retval)), out, {}};
  for (const auto& [key, now] : counters()) {
    const auto old = before.find(key);
    const vtep_counter then = old == before.end() ? vtep_counter{} : old->second;
    if (now.packets != then.packets || now.bytes != then.bytes) {
      outcome.counted[key] = {now.packets - then.packets, now.bytes - then.bytes};
    }
  }
  return outcome;
}

std::map<CounterKey, vtep_counter> ProgRunner::counters() {
  auto out = hash_counters();
  add_traffic(out);
  return out;
}

std::uint64_t ProgRunner::in_hash(std::uint32_t vni, vtep_reason reason) {
  return hash_counters()[{vni, reason}].packets;
}

std::map<CounterKey, vtep_counter> ProgRunner::hash_counters() {
  std::map<CounterKey, vtep_counter> out;
  std::vector<vtep_counter> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  vtep_counter_key key{};
  const int fd = bpf_map__fd(skeleton_->maps.vtep_counters);
  for (int error = bpf_map_get_next_key(fd, nullptr, &key); error == 0;
       error = bpf_map_get_next_key(fd, &key, &key)) {
    require(bpf_map_lookup_elem(fd, &key, per_cpu.data()) == 0, "counter");
    auto& sum = out[{key.vni, static_cast<vtep_reason>(key.reason)}];
    for (const vtep_counter& part : per_cpu) {
      sum.packets += part.packets;
      sum.bytes += part.bytes;
    }
  }
  return out;
}

// Forwarded frames of VNIs that have a slot.
void ProgRunner::add_traffic(std::map<CounterKey, vtep_counter>& to) {
  constexpr std::array kReasons{VTEP_ENCAP, VTEP_DECAP, VTEP_LOCAL};
  std::vector<vtep_counter> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (const auto& [slot, vni] : slots_) {
    for (__u32 kind = 0; kind < VTEP_TRAFFIC_KINDS; ++kind) {
      const __u32 at = slot * VTEP_TRAFFIC_KINDS + kind;
      require(
          bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.vtep_traffic), &at, per_cpu.data()) == 0,
          "vtep_traffic");
      for (const vtep_counter& part : per_cpu) {
        auto& sum = to[{vni, kReasons.at(kind)}];
        sum.packets += part.packets;
        sum.bytes += part.bytes;
      }
    }
  }
}

template <typename Key, typename Value>
void ProgRunner::update(bpf_map* map, const Key& key, const Value& value) {
  require(bpf_map__update_elem(map, &key, sizeof key, &value, sizeof value, BPF_ANY) == 0,
          bpf_map__name(map));
  begin_epoch();
}

template <typename Key>
void ProgRunner::remove(bpf_map* map, const Key& key) {
  require(bpf_map__delete_elem(map, &key, sizeof key, 0) == 0, bpf_map__name(map));
  begin_epoch();
}

void ProgRunner::begin_epoch() {
  if (epoch_stays_) {
    return;
  }
  const __u32 key = 0;
  ++epoch_;
  require(bpf_map__update_elem(skeleton_->maps.vtep_epoch, &key, sizeof key, &epoch_, sizeof epoch_,
                               BPF_ANY) == 0,
          "vtep_epoch");
}

void ProgRunner::in_the_same_epoch(const std::function<void()>& change) {
  epoch_stays_ = true;
  change();
  epoch_stays_ = false;
}

void ProgRunner::set_fdb(std::uint32_t vni, const Mac& mac, const vtep_fdb_value& value) {
  vtep_fdb_key key{.vni = vni, .mac = {}, .pad = {}};
  std::ranges::copy(mac.bytes, key.mac);
  update(skeleton_->maps.vtep_fdb, key, value);
}

void ProgRunner::set_neigh(std::uint32_t vni, const Ip6& address, const Mac& mac) {
  vtep_neigh_key key{.vni = vni, .addr = {}};
  vtep_neigh_value value{};
  std::ranges::copy(address.bytes, key.addr);
  std::ranges::copy(mac.bytes, value.mac);
  update(skeleton_->maps.vtep_neigh, key, value);
}

void ProgRunner::set_peer(std::uint32_t id, const vtep_peer& peer) {
  update(skeleton_->maps.vtep_peers, id, peer);
}

void ProgRunner::set_port(std::uint32_t ifindex, const vtep_port& port) {
  update(skeleton_->maps.vtep_ports, ifindex, port);
}

void ProgRunner::remove_port(std::uint32_t ifindex) {
  remove(skeleton_->maps.vtep_ports, ifindex);
}

void ProgRunner::allow(std::uint32_t ifindex, const Ip6& address, unsigned prefix) {
  vtep_allow_key key{.prefixlen = 32 + prefix, .ifindex = __builtin_bswap32(ifindex), .addr = {}};
  std::ranges::copy(address.bytes, key.addr);
  update(skeleton_->maps.vtep_allow, key, __u8{1});
}

void ProgRunner::allow_mac(std::uint32_t ifindex, const Mac& mac) {
  vtep_allow_mac_key key{.ifindex = ifindex, .mac = {}, .pad = {}};
  std::ranges::copy(mac.bytes, key.mac);
  update(skeleton_->maps.vtep_allow_mac, key, __u8{1});
}

void ProgRunner::set_vni(std::uint32_t vni, const vtep_vni& value) {
  update(skeleton_->maps.vtep_vnis, vni, value);
  if (value.slot != 0 && value.slot < kSlots) {
    slots_[value.slot] = vni;
  }
}

void ProgRunner::remove_vni(std::uint32_t vni) {
  remove(skeleton_->maps.vtep_vnis, vni);
}

void ProgRunner::remove_fdb(std::uint32_t vni, const Mac& mac) {
  vtep_fdb_key key{.vni = vni, .mac = {}, .pad = {}};
  std::ranges::copy(mac.bytes, key.mac);
  remove(skeleton_->maps.vtep_fdb, key);
}

void ProgRunner::remove_member(std::uint32_t vni, const Ip4& vtep) {
  vtep_member_key key{.vni = vni, .vtep = {}};
  std::ranges::copy(Ip6(vtep).bytes, key.vtep);
  remove(skeleton_->maps.vtep_members, key);
}

void ProgRunner::set_member(std::uint32_t vni, const Ip4& vtep) {
  vtep_member_key key{.vni = vni, .vtep = {}};
  std::ranges::copy(Ip6(vtep).bytes, key.vtep);
  update(skeleton_->maps.vtep_members, key, __u8{1});
}

void ProgRunner::set_segmenter(std::uint32_t ifindex) {
  update(skeleton_->maps.vtep_seg, __u32{0}, ifindex);
}

void ProgRunner::set_underlay(std::uint32_t ifindex, const vtep_underlay& value) {
  update(skeleton_->maps.vtep_underlays, ifindex, value);
}

std::vector<vtep_event> ProgRunner::events() {
  ring_buffer__consume(static_cast<ring_buffer*>(ring_));
  return std::exchange(events_, {});
}

vtep_peer make_peer(const Ip4& local, const Ip4& remote, std::uint32_t ifindex,
                    std::uint16_t port) {
  vtep_peer peer{};
  std::ranges::copy(Ip6(local).bytes, peer.local);
  std::ranges::copy(Ip6(remote).bytes, peer.remote);
  std::ranges::copy(Ip6(remote).bytes, peer.next_hop);
  peer.ifindex = ifindex;
  peer.mtu = 1500;
  // Lengths, ports of the flow and VNI zero; the checksum field has the sum, not its complement.
  Bytes header = Packet(Ipv4{.src = local, .dst = remote, .length = 0} /
                        Udp{.src = 0, .dst = port, .length = 0, .checksum = 0} / Vxlan{.vni = 0})
                     .bytes();
  header[10] = static_cast<std::uint8_t>(~header[10]);
  header[11] = static_cast<std::uint8_t>(~header[11]);
  std::ranges::copy(header, peer.header);
  return peer;
}

}  // namespace vtepd::test
