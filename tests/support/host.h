// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/capture.h"
#include "support/netns.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace vtepd::test {

using Json = nlohmann::json;

struct HostOptions {
  int mtu = 1500;          // of the underlay interface
  std::string limits{};    // lines of the configuration's [limits]
  std::string datapath{};  // lines of [datapath]
  std::string underlay{};  // further lines of [underlay]
  std::string store{};     // lines of [store]; empty: the lab's file store
  std::string gossip{};    // lines of [gossip]; empty: no such section
};

// A namespace with the interface that vtepd gave it.
struct Container {
  NetNamespace netns{};
  std::string interface = "eth0";
  std::string address{};  // without prefix length
  std::string mac{};

  // Counts of `ping`; false if one was lost.
  [[nodiscard]] Outcome ping(const std::string& target, int count = 3,
                             const std::vector<std::string>& options = {}) const;

  [[nodiscard]] bool pings(const std::string& target, int count = 3) const {
    return ping(target, count).ok();
  }
};

// One machine of the lab: a namespace with an underlay interface eth0, and the vtepd in it.
class Host {
 public:
  Host(const NetNamespace& underlay, int number, std::string store, HostOptions options);
  // Without an underlay interface: the caller gives it eth0 with the address `address()`.
  Host(int number, std::string store, HostOptions options);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const NetNamespace& netns() const { return netns_; }

  [[nodiscard]] const std::string& instance() const { return instance_; }

  [[nodiscard]] const std::string& address() const { return address_; }

  [[nodiscard]] std::string mac() const;  // of eth0

  [[nodiscard]] std::string config_path() const { return folder_ + "/vtepd.toml"; }

  [[nodiscard]] std::string log_path() const { return folder_ + "/vtepd.log"; }

  [[nodiscard]] std::string runtime_dir() const { return "/run/vtepd/" + instance_; }

  [[nodiscard]] std::string state_dir() const { return "/var/lib/vtepd/" + instance_; }

  // Where the host ends of endpoints are: its own namespace, or the one that the kernel data path
  // keeps them in.
  [[nodiscard]] Outcome at_host_ends(std::vector<std::string> argv) const;

  // The namespace of the kernel data path, once it is there.
  [[nodiscard]] std::string overlay_netns() const { return runtime_dir() + "/netns"; }

  [[nodiscard]] std::string pin_dir() const { return "/sys/fs/bpf/vtepd/" + instance_; }

  [[nodiscard]] std::string config() const;  // text of the configuration

  // What the next start runs, and with which lines of [limits].
  void use_program(std::string path) { program_ = std::move(path); }

  void set_datapath(std::string lines) { options_.datapath = std::move(lines); }

  void set_limits(std::string lines) { options_.limits = std::move(lines); }

  void start();   // and waits until the daemon is well; throws with its log if it does not get so
  void launch();  // without waiting
  // Runs the daemon in the foreground to its end: for configurations it must refuse.
  [[nodiscard]] Outcome run_daemon(Milliseconds deadline = Seconds(15)) const;
  void stop();
  void kill9();

  [[nodiscard]] Process* daemon() { return daemon_.get(); }

  [[nodiscard]] Outcome ctl(std::vector<std::string> words,
                            Milliseconds deadline = Seconds(30)) const;
  void must(const std::vector<std::string>& words) const;  // throws unless it exits with 0
  [[nodiscard]] Json show(const std::string& what) const;  // `show WHAT --json`
  [[nodiscard]] std::vector<Json> rows(const std::string& what) const;  // its one list
  [[nodiscard]] Json datapath() const;                                  // of `show status`
  // Host end of the one endpoint here; throws unless there is one.
  [[nodiscard]] std::string host_end() const;
  // Packets counted under a reason, in one network or in all.
  [[nodiscard]] std::uint64_t counter(const std::string& reason,
                                      const std::string& network = "") const;

  // How often the daemon's log has these words.
  [[nodiscard]] std::size_t logged(const std::string& words) const;
  // The pin of a map of this build's ABI.
  [[nodiscard]] std::string map_path(const std::string& map) const;
  // What a pinned map of this build's ABI holds, as `bpftool map dump` has it. A key that went
  // between its listing and its lookup has an error there instead of a value: it is left out.
  [[nodiscard]] Json map_entries(const std::string& map) const;

  // `vtepctl attach` with a container of the lab; extra options go to the command line.
  Container& attach(const std::string& network, const std::string& address,
                    const std::vector<std::string>& options = {});
  void attach(Container& container, const std::string& network, const std::string& address,
              const std::vector<std::string>& options = {});
  [[nodiscard]] bool knows(const std::string& address) const;  // `show neigh` lists it
  [[nodiscard]] Outcome purge() const;
  void dump() const;  // everything that explains a failure

 private:
  NetNamespace netns_;
  std::string instance_;
  int number_;
  std::string address_;
  std::string store_;
  HostOptions options_;
  std::string folder_;
  std::string program_;
  std::unique_ptr<Process> daemon_;
  std::vector<std::unique_ptr<Container>> containers_;
};

// The suite runs over the kernel data path now (VTEPD_TEST_MODE=kernel).
[[nodiscard]] bool on_kernel_path();
// Whether the data path of the suite counts this reason: docs/kernels.md has those that the kernel
// drops by itself.
[[nodiscard]] bool counts(const std::string& reason);
[[nodiscard]] std::string vtepd_program();
[[nodiscard]] std::string vtepctl_program();
// The daemon built with an ABI number raised by one, and that number.
[[nodiscard]] std::string next_abi_program();
[[nodiscard]] int next_abi();

}  // namespace vtepd::test
