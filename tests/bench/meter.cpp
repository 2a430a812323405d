// SPDX-License-Identifier: GPL-2.0-only
#include "bench/meter.h"

#include "bench/core_time.h"
#include "bench/frame.h"
#include "bench_meter.skel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <set>
#include <stdexcept>

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd::bench {

namespace {

constexpr std::size_t kOuterIp = 14;
constexpr std::size_t kInnerIp = 64;
constexpr std::uint32_t kBatch = 64;  // frames, as a driver hands them on

void require(bool ok, const std::string& what) {
  if (!ok) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
  }
}

// In the namespace of the calling thread.
std::uint32_t index_of(const std::string& interface) {
  const std::uint32_t index = if_nametoindex(interface.c_str());
  require(index != 0, interface);
  return index;
}

// Folded sum of the IPv4 header at `offset`, with its checksum and source address left out, as the
// BPF program reads it from memory.
std::uint32_t header_sum(const test::Bytes& frame, std::size_t offset) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, &frame.at(offset + i), sizeof word);
    const bool left_out = i == 10 || i == 12 || i == 14;
    sum += left_out ? 0U : word;
  }
  sum = (sum & 0xffffU) + (sum >> 16U);
  return (sum & 0xffffU) + (sum >> 16U);
}

bench_frame describe(const test::Bytes& frame, std::uint32_t senders, std::uint32_t ifindex) {
  if (frame.size() < (senders == 0 ? BENCH_HEADERS : BENCH_HEADERS + 1)) {
    throw std::runtime_error("a frame of " + std::to_string(frame.size()) +
                             " bytes is too short to be injected");
  }
  bench_frame out{};
  out.ifindex = ifindex;
  out.senders = senders;
  if (senders != 0) {
    out.outer_sum = header_sum(frame, kOuterIp);
    out.inner_sum = header_sum(frame, kInnerIp);
  }
  std::copy_n(frame.begin(), BENCH_HEADERS, out.bytes);
  return out;
}

ProgramStats stats_of(int fd) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  require(bpf_prog_get_info_by_fd(fd, &info, &size) == 0, "information on a program");
  return {.name = info.name, .run_ns = info.run_time_ns, .runs = info.run_cnt};
}

std::set<__u32> pinned_maps(const std::string& folder) {
  std::set<__u32> ids;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const UniqueFd map(bpf_obj_get(entry.path().c_str()));
    bpf_map_info info{};
    __u32 size = sizeof info;
    require(map.valid() && bpf_map_get_info_by_fd(map.get(), &info, &size) == 0, entry.path());
    ids.insert(info.id);
  }
  return ids;
}

bool uses_any(int program, const std::set<__u32>& maps) {
  std::array<__u32, 64> used{};
  bpf_prog_info info{};
  info.nr_map_ids = used.size();
  info.map_ids = reinterpret_cast<std::uintptr_t>(used.data());
  __u32 size = sizeof info;
  require(bpf_prog_get_info_by_fd(program, &info, &size) == 0, "information on a program");
  const auto end = used.begin() + std::min<std::ptrdiff_t>(info.nr_map_ids, used.size());
  return std::any_of(used.begin(), end, [&](__u32 id) { return maps.contains(id); });
}

// The program on a device's XDP hook becomes the next of bench_receive; a device without one gets
// `pass` for as long as this lives.
class DriverProgram {
 public:
  DriverProgram(std::uint32_t ifindex, int pass, int next) : ifindex_(ifindex), next_(next) {
    __u32 id = 0;
    require(bpf_xdp_query_id(static_cast<int>(ifindex_), 0, &id) == 0, "ask for the XDP program");
    if (id == 0) {
      require(bpf_xdp_attach(static_cast<int>(ifindex_), pass, 0, nullptr) == 0,
              "attach an XDP program");
      attached_ = true;
      return;
    }
    const UniqueFd program(bpf_prog_get_fd_by_id(id));
    const __u32 key = 0;
    const int fd = program.get();
    require(bpf_map_update_elem(next_, &key, &fd, BPF_ANY) == 0, "call the XDP program");
  }

  ~DriverProgram() {
    const __u32 key = 0;
    if (attached_) {
      bpf_xdp_detach(static_cast<int>(ifindex_), 0, nullptr);
    } else {
      bpf_map_delete_elem(next_, &key);
    }
  }

  DriverProgram(const DriverProgram&) = delete;
  DriverProgram& operator=(const DriverProgram&) = delete;

 private:
  std::uint32_t ifindex_;
  int next_;
  bool attached_ = false;
};

// On the measured core. `ifindex`: where the frames arrive, 0 for the loopback.
double run_live(int program, const test::Bytes& frame, std::uint32_t ifindex, std::uint32_t count) {
  pin_to(measured_core());
  xdp_md context{};
  context.data_end = static_cast<__u32>(frame.size());
  context.ingress_ifindex = ifindex;
  LIBBPF_OPTS(
      bpf_test_run_opts, run, .data_in = frame.data(),
      .data_size_in = static_cast<__u32>(frame.size()), .ctx_in = ifindex == 0 ? nullptr : &context,
      .ctx_size_in = ifindex == 0 ? 0 : static_cast<__u32>(sizeof context),
      .repeat = static_cast<int>(count), .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = kBatch);
  const CoreTime time(measured_core());
  require(bpf_prog_test_run_opts(program, &run) == 0, "inject frames (live frames, Linux 5.18)");
  return time.elapsed_ns();
}

}  // namespace

void Meter::Destroy::operator()(bench_meter_bpf* skeleton) const {
  bench_meter_bpf::destroy(skeleton);
}

Meter::Meter() : skeleton_(bench_meter_bpf::open_and_load()) {
  require(skeleton_ != nullptr, "cannot load the benchmark's programs");
}

Meter::~Meter() = default;

Meter::Counter::Counter(Meter& meter, const Place& place, bool with_empty)
    : meter_(meter), count_(place, bpf_program__fd(meter.skeleton_->progs.bench_count)) {
  if (with_empty) {
    empty_.emplace(place, bpf_program__fd(meter.skeleton_->progs.bench_empty));
  }
  const std::vector<__u64> zeros(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const __u32 key = 0;
  require(bpf_map_update_elem(bpf_map__fd(meter_.skeleton_->maps.bench_counts), &key, zeros.data(),
                              BPF_ANY) == 0,
          "reset the counter");
}

std::uint64_t Meter::Counter::arrived() const {
  std::vector<__u64> counts(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const __u32 key = 0;
  require(bpf_map_lookup_elem(bpf_map__fd(meter_.skeleton_->maps.bench_counts), &key,
                              counts.data()) == 0,
          "read the counter");
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

void Meter::set_frame(const test::Bytes& frame, std::uint32_t senders, std::uint32_t ifindex) {
  const bench_frame what = describe(frame, senders, ifindex);
  const __u32 key = 0;
  require(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.bench_frames), &key, &what, BPF_ANY) == 0,
          "set the frame to inject");
}

double Meter::receive(const test::Bytes& frame, std::uint32_t senders, const Place& nic,
                      std::uint32_t count) {
  double busy = 0;
  nic.netns->inside([&] {
    const std::uint32_t index = index_of(nic.interface);
    set_frame(frame, senders, 0);
    const DriverProgram driver(index, bpf_program__fd(skeleton_->progs.bench_pass),
                               bpf_map__fd(skeleton_->maps.bench_next));
    busy = run_live(bpf_program__fd(skeleton_->progs.bench_receive), frame, index, count);
  });
  return busy;
}

double Meter::transmit(const test::Bytes& frame, std::uint32_t senders, const Place& from,
                       std::uint32_t count) {
  double busy = 0;
  from.netns->inside([&] {
    set_frame(frame, senders, index_of(from.interface));
    busy = run_live(bpf_program__fd(skeleton_->progs.bench_transmit), frame, 0, count);
  });
  return busy;
}

ProgramStats Meter::empty_program() const {
  return stats_of(bpf_program__fd(skeleton_->progs.bench_empty));
}

StatsOn::StatsOn() : fd_(bpf_enable_stats(BPF_STATS_RUN_TIME)) {
  require(fd_.valid(), "turn the statistics of BPF programs on");
}

std::vector<ProgramStats> stats_of_users(const std::string& folder) {
  const std::set<__u32> maps = pinned_maps(folder);
  std::vector<ProgramStats> out;
  for (__u32 id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const UniqueFd program(bpf_prog_get_fd_by_id(id));
    if (program.valid() && uses_any(program.get(), maps)) {
      out.push_back(stats_of(program.get()));
    }
  }
  if (out.empty()) {
    throw std::runtime_error("no program uses the maps in " + folder);
  }
  return out;
}

}  // namespace vtepd::bench
