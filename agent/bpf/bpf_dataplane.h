// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/probe.h"
#include "bpf/tables.h"
#include "ports/dataplane.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// The data path of BPF programs. Programs and maps outlive the process: open() takes over the maps
// that an earlier one pinned, or copies them into a new set if the sizes are others, and the attach
// calls replace its programs in place. Maps of another ABI are left to its programs; a new set is
// beside them and empty. The order that loses no packet:
//   open, read_back, apply(diff); if carries_on(), or else once apply() has had everything:
//   attach_underlay and attach_port, commit.
// Errors: a failed attach of a port that had no programs leaves it without any. Called on the
// loop's thread only.
class BpfDataplane final : public Dataplane {
 public:
  struct Options {
    std::string bpffs = "/sys/fs/bpf";
    std::string instance = "default";
    IpAddress vtep;  // ours; IPv4
    std::uint16_t port = 4789;
    std::uint16_t sport_min = 32768;  // net.ipv4.ip_local_port_range
    std::uint16_t sport_max = 60999;
    Limits limits;
    std::string mode = "auto";    // of the underlay device: "tc", "xdp"; auto tries xdp on NICs
    std::string attach = "auto";  // "tcx", "clsact"; auto takes tcx where the kernel has it
    Features features;
    std::string reason;  // why this data path, for info()
  };

  static Result<std::unique_ptr<BpfDataplane>> open(Options options);
  ~BpfDataplane() override;

  Result<ForwardingState> read_back() override;
  ApplyReport apply(const ForwardingDelta& delta) override;
  Result<ForwardingDelta> missing(const ForwardingState& wanted) override;
  Result<void> attach_underlay(const UnderlayDevice& device) override;
  Result<void> attach_port(IfIndex host_end, std::string_view name) override;
  void detach_port(std::string_view name) override;
  Result<std::vector<ReasonCount>> counters() override;
  std::vector<TableUsage> usage() override;
  [[nodiscard]] DataplaneInfo info() const override;

  [[nodiscard]] bool carries_on() const override;
  // Makes the maps of this run the instance's: removes other sets and what belongs to interfaces
  // that are gone.
  Result<void> commit() override;
  // True if the maps are those of an earlier run, with their entries.
  [[nodiscard]] bool adopted() const;
  // Of the earlier run's entries, what did not fit into the new set.
  [[nodiscard]] const std::vector<Error>& left_out() const;
  // A drop-all program on the device that keeps the UDP port open; its socket is all it is for.
  Result<void> attach_idle(IfIndex device);
  // The programs on a pair of veths that cuts frames up, while its ends are down.
  Result<void> attach_segment_pair(IfIndex sending, IfIndex receiving);
  // Where frames are sent to be cut up; 0: nowhere, they are dropped. True if it was not so before.
  Result<bool> use_segment_pair(IfIndex sending);
  // Attaches again what somebody detached, pins again what somebody unlinked; says what it was.
  Result<std::vector<std::string>> verify_attachments() override;
  [[nodiscard]] int events_fd() const override;
  void consume(const std::function<void(const DataplaneEvent&)>& take) override;
  void set_tunnel_gro(std::string text);
  // What info() says about frames with tunnel state.
  void set_tunnel_state(std::function<std::string()> describe);
  // Descriptor of a loaded program ("vtep_from_ul"), -1 if there is none: for BPF_PROG_TEST_RUN.
  [[nodiscard]] int program_fd(std::string_view name) const;

 private:
  struct State;
  explicit BpfDataplane(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vtepd
