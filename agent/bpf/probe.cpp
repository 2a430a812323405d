// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/probe.h"

#include "bpf/kernel_skb.h"
#include "bpf/libbpf_output.h"
#include "bpf/probe_programs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd {

namespace {

constexpr const char* kSyscall = "bpf(2)";
constexpr int kLoopback = 1;  // the first interface of every network namespace
constexpr int kOuterLength = 50;
// BPF_F_ADJ_ROOM_ENCAP_L2(14), whose macro casts as C does.
constexpr std::uint64_t kInnerEthernet = 14ULL << BPF_ADJ_ROOM_ENCAP_L2_SHIFT;
constexpr std::uint64_t kEncap = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET |
                                 BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
                                 kInnerEthernet;

using Outcome = std::optional<Error>;  // none: it works

template <typename T>
Outcome outcome(const Result<T>& result) {
  return result ? Outcome() : Outcome(result.error());
}

Outcome try_load(const std::vector<bpf_insn>& program) {
  return outcome(load_program(program));
}

// What vtep_strip needs; r1 holds the frame already.
Outcome try_xdp(std::uint32_t flags) {
  const std::vector<bpf_insn> program{move(BPF_REG_2, -8), call(BPF_FUNC_xdp_adjust_meta),
                                      move(BPF_REG_0, XDP_PASS), exit_program()};
  return outcome(load_program(program, BPF_PROG_TYPE_XDP, flags));
}

Outcome try_adjust_room(std::int32_t grow, std::uint64_t flags) {
  const auto program = load_program(adjust_room_program(grow, flags));
  if (!program) {
    return program.error();
  }
  const auto result = run_program(program->get());
  if (!result) {
    return result.error();
  }
  return *result == 0 ? Outcome() : Error::from_errno(-*result, "bpf_skb_adjust_room");
}

Outcome try_map(bpf_map_type type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                std::uint32_t flags) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
  const UniqueFd fd(bpf_map_create(type, "vtep_probe", key, value, entries, &options));
  return fd.valid() ? Outcome() : Error::from_errno(errno, "create a map");
}

Outcome try_batch() {
  const UniqueFd fd(bpf_map_create(BPF_MAP_TYPE_HASH, "vtep_probe", 4, 4, 2, nullptr));
  const std::array<__u32, 2> keys{1, 2};
  auto count = static_cast<__u32>(keys.size());
  if (!fd.valid() ||
      bpf_map_update_batch(fd.get(), keys.data(), keys.data(), &count, nullptr) != 0) {
    return Error::from_errno(errno, "update in a batch");
  }
  return {};
}

// Lists the hook, which changes nothing; kernels without tcx don't know it.
Outcome try_tcx() {
  LIBBPF_OPTS(bpf_prog_query_opts, options);
  return bpf_prog_query_opts(kLoopback, BPF_TCX_INGRESS, &options) == 0
             ? Outcome()
             : Error::from_errno(errno, "query the tcx hook");
}

// The loopback device is none, which only a kernel with netkit devices knows.
bool has_netkit() {
  LIBBPF_OPTS(bpf_prog_query_opts, options);
  return bpf_prog_query_opts(kLoopback, BPF_NETKIT_PEER, &options) != 0 && errno == ENXIO;
}

// The kernel asked for the module and found none.
Error without_module(int error, const std::string& operation, const std::string& module) {
  Error out = Error::from_errno(error, operation);
  if (error == ENOENT) {
    out.what += ": the module '" + module + "' is not installed, or may not be loaded";
  }
  return out;
}

// In a network namespace of its own, because a qdisc has to be made for it.
Outcome try_clsact() {
  Outcome out;
  std::thread([&out] {
    if (unshare(CLONE_NEWNET) != 0) {
      return;  // not allowed to try: the first attach will tell
    }
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = kLoopback, .attach_point = BPF_TC_INGRESS);
    if (const int rc = bpf_tc_hook_create(&hook); rc != 0) {
      out = without_module(-rc, "create a clsact qdisc", "sch_ingress");
      return;
    }
    const std::vector<bpf_insn> nothing{move(BPF_REG_0, 0), exit_program()};
    const auto program = load_program(nothing);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program ? program->get() : -1, .handle = 1,
                .priority = 1);
    if (const int rc = bpf_tc_attach(&hook, &options); rc != 0) {
      out = without_module(-rc, "attach a filter", "cls_bpf");
    }
  }).join();
  return out;
}

class Rows {
 public:
  bool add(std::string feature, std::string needed_for, bool required, const Outcome& result,
           const std::string& instead) {
    rows_.push_back({std::move(feature), std::move(needed_for), !result, required,
                     result ? result->what + (instead.empty() ? "" : "; " + instead) : "works"});
    return !result;
  }

  [[nodiscard]] std::vector<ProbeRow> take() { return std::move(rows_); }

 private:
  std::vector<ProbeRow> rows_;
};

std::optional<KernelSkb> add_kernel_skb(Rows& rows) {
  const auto skb = find_kernel_skb();
  const bool works =
      rows.add("kernel's struct sk_buff", "less work for frames whose checksum is complete", false,
               skb ? try_load(kernel_skb_program(*skb)) : outcome(skb),
               "they are encapsulated like all others");
  return works ? std::optional(*skb) : std::nullopt;
}

bool add_hooks(Rows& rows) {
  const Outcome tcx = try_tcx();
  rows.add("tcx link", "attaching programs so that they survive and are replaced atomically", false,
           tcx, "clsact filters are used");
  const Outcome clsact = tcx ? try_clsact() : Outcome();
  rows.add("clsact filter", "attaching programs where there is no tcx", tcx.has_value(), clsact,
           "");
  return !tcx;
}

void add_delivery(Rows& rows) {
  rows.add("redirect_peer", "delivery into a container without a queue in between", true,
           try_load({move(BPF_REG_1, kLoopback), move(BPF_REG_2, 0), call(BPF_FUNC_redirect_peer),
                     exit_program()}),
           "");
  rows.add("redirect_neigh", "sending to the underlay's next hop", true,
           try_load({move(BPF_REG_1, kLoopback), move(BPF_REG_2, 0), move(BPF_REG_3, 0),
                     move(BPF_REG_4, 0), call(BPF_FUNC_redirect_neigh), exit_program()}),
           "");
}

bool add_xdp(Rows& rows) {
  rows.add("XDP metadata", "stripping frames in front of GRO (xdp mode)", false, try_xdp(0),
           "tc mode");
  return rows.add("XDP multi-buffer", "xdp mode with jumbo frames", false,
                  try_xdp(BPF_F_XDP_HAS_FRAGS), "tc mode where frames do not fit in a page");
}

void add_maps(Rows& rows) {
  const auto page = static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE));
  rows.add("ring buffer", "events from the programs", true,
           try_map(BPF_MAP_TYPE_RINGBUF, 0, 0, page, 0), "");
  rows.add("LPM trie", "further addresses of a port", true,
           try_map(BPF_MAP_TYPE_LPM_TRIE, 24, 1, 1, BPF_F_NO_PREALLOC), "");
  rows.add("map batches", "filling large tables quickly", false, try_batch(),
           "entries are written one by one");
  // The helper came with the accounting and is how libbpf tells, too.
  rows.add("memory accounted by cgroup", "map memory without RLIMIT_MEMLOCK", false,
           try_load({call(BPF_FUNC_ktime_get_coarse_ns), exit_program()}),
           "RLIMIT_MEMLOCK is raised");
}

bool has_word(const std::string& path, const std::string& wanted) {
  std::ifstream file(path);
  return std::find(std::istream_iterator<std::string>(file), {}, wanted) !=
         std::istream_iterator<std::string>();
}

// With PREEMPT_RT a softirq may interrupt another.
Outcome try_alone(const std::string& version, const std::string& realtime) {
  const bool by_version = has_word(version, "PREEMPT_RT");
  if (!by_version && access(realtime.c_str(), F_OK) != 0) {
    return {};
  }
  return Error{ErrorKind::Unavailable, "a kernel with PREEMPT_RT (" +
                                           (by_version ? version : realtime) +
                                           ") lets one interrupt another"};
}

}  // namespace

Probe probe_kernel(const std::string& version, const std::string& realtime) {
  quiet_libbpf();
  Rows rows;
  Probe probe;
  rows.add(kSyscall, "loading programs at all", true,
           try_load({move(BPF_REG_0, 0), exit_program()}), "");
  rows.add("adjust_room encapsulation", "one outer header for a 64 KiB frame", true,
           try_adjust_room(kOuterLength, kEncap), "");
  probe.features.encap_l2_eth =
      rows.add("adjust_room ENCAP_L2_ETH", "segmentation of tunnel frames by the NIC", false,
               try_adjust_room(kOuterLength, kEncap | BPF_F_ADJ_ROOM_ENCAP_L2_ETH),
               "the kernel segments in software");
  // Across a change of family only: IPv6 frames out of an IPv4 tunnel.
  probe.features.decap_l3 =
      rows.add("adjust_room DECAP_L3", "stripping IPv4 from IPv6 frames", false,
               try_adjust_room(-20, BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_DECAP_L3_IPV4),
               "IPv6 in the overlay needs another way to be stripped");
  probe.features.kernel_skb = add_kernel_skb(rows);
  add_delivery(rows);
  rows.add("programs in turns", "what they remember of the tables, per processor", true,
           try_alone(version, realtime), "");
  probe.features.tcx = add_hooks(rows);
  probe.features.xdp_frags = add_xdp(rows);
  probe.features.netkit = has_netkit();
  add_maps(rows);
  probe.rows = rows.take();
  (void)take_libbpf_warnings();
  return probe;
}

DataplaneChoice choose(const std::vector<ProbeRow>& rows) {
  DataplaneChoice choice;
  std::string details;
  for (const ProbeRow& row : rows) {
    if (row.required && !row.present) {
      choice.missing.push_back(row.feature);
      details += (details.empty() ? "" : "; ") + row.feature + " (" + row.detail + ")";
      if (row.feature == kSyscall) {
        break;  // and so everything that was asked by it
      }
    }
  }
  choice.bpf = choice.missing.empty();
  choice.reason =
      choice.bpf ? "the kernel has every feature required" : "the kernel lacks " + details;
  return choice;
}

}  // namespace vtepd
