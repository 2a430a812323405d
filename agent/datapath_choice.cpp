// SPDX-License-Identifier: GPL-2.0-only
#include "datapath_choice.h"

#include "base/unique_fd.h"
#include "netlink/kernel_probe.h"
#include "nft/nft_filter.h"

#include <cerrno>
#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

constexpr const char* kCost =
    "frames go through a bridge and a vxlan device, which takes more CPU for each";

ProbeRow device_row(const std::string& kind, const std::string& needed_for) {
  const auto tried = netlink::try_device(kind);
  return {kind + " device", needed_for, tried.has_value(), true,
          tried ? "works" : tried.error().what};
}

// On the BPF data path, by configuration alone.
ProbeRow netkit_row() {
  ProbeRow row = device_row("netkit", "[datapath] endpoint_device = \"netkit\"");
  row.required = false;
  return row;
}

ProbeRow headroom_row() {
  ProbeRow row = device_row("bridge", "room for the outer header in what endpoints send");
  row.required = false;
  row.detail += row.present ? "" : "; the kernel gives each UDP, ICMP or raw frame a new buffer";
  return row;
}

ProbeRow big_tcp_row() {
  const bool present = netlink::knows_tcp_frame();
  return {"gso_ipv4_max_size", "TCP frames of 192 KiB where the kernel cuts them", present, false,
          present ? "" : "of Linux 6.3; without it they are of 64 KiB"};
}

std::string why_no_big_tcp(const Config& config) {
  if (config.datapath.big_tcp == "off") {
    return "[datapath] big_tcp = \"off\"";
  }
  return netlink::knows_tcp_frame() ? "" : "this kernel is older than Linux 6.3";
}

Result<void> check_endpoint_device(const Config& config, bool bpf) {
  if (config.datapath.endpoint_device != "netkit") {
    return {};
  }
  const std::string asked = "[datapath] endpoint_device = \"netkit\", but ";
  const std::string instead = "endpoint_device = \"veth\" works everywhere";
  if (!bpf) {
    return fail(ErrorKind::Unavailable,
                asked +
                    "the kernel data path, which is all that can run here, has no use for such "
                    "devices; `vtepd probe` prints what the BPF data path lacks, " +
                    instead);
  }
  const auto row = netkit_row();
  return row.present
             ? Result<void>()
             : fail(ErrorKind::Unavailable, asked + "this kernel has none (row \"" + row.feature +
                                                "\" of `vtepd probe`: " + row.detail +
                                                "); take one with it, such as "
                                                "Debian's 6.12, or " +
                                                instead);
}

// A network namespace that goes with the last descriptor; the calling thread is in it then.
UniqueFd enter_new_netns() {
  return UniqueFd(
      ::unshare(CLONE_NEWNET) == 0 ? ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) : -1);
}

// Makes the rules of an instance, in two namespaces as a daemon does.
Result<void> try_filter() {
  Result<void> outcome = fail(ErrorKind::Internal, "not run");
  std::thread([&] {
    const auto hidden = enter_new_netns();
    const auto own = enter_new_netns();
    if (!hidden.valid() || !own.valid()) {
      outcome = fail_errno(errno, "make a network namespace to try rules in");
      return;
    }
    const auto filter = NftFilter::open(
        {.instance = "probe", .hidden_netns = hidden.get(), .vtep = IpAddress::v4(0x7f000001)});
    outcome = filter ? Result<void>() : fail(filter.error());
  }).join();
  return outcome;
}

std::vector<ProbeRow> probe_kernel_path() {
  const auto filter = try_filter();
  return {device_row("vxlan", "encapsulation by the kernel"),
          device_row("bridge", "delivery between the endpoints of a network"),
          device_row("veth", "interfaces of endpoints (on the BPF data path, too)"),
          {"nftables", "checks of who sends what; without it nobody checks", filter.has_value(),
           false, filter ? "works" : filter.error().what}};
}

std::string lacking(const std::vector<ProbeRow>& rows) {
  std::string list;
  for (const auto& row : rows) {
    if (row.required && !row.present) {
      list += (list.empty() ? "" : "; ") + row.feature + " (" + row.detail + ")";
    }
  }
  return list;
}

Result<DatapathChoice> choose_kernel(std::string reason) {
  if (const auto missing = lacking(probe_kernel_path()); !missing.empty()) {
    return fail(ErrorKind::Unavailable,
                "no data path can run here: " + reason + ", and the kernel data path lacks " +
                    missing + "; load or install the modules, `vtepd probe` shows what is there");
  }
  return DatapathChoice{.bpf = false,
                        .reason = std::move(reason),
                        .features = {},
                        .no_big_tcp = "the kernel's vxlan devices take no longer ones"};
}

void print_rows(const char* title, const std::vector<ProbeRow>& rows) {
  std::printf("%-28s %-8s %-9s %s\n", title, "HERE", "REQUIRED", "NEEDED FOR");
  for (const auto& row : rows) {
    std::printf("%-28s %-8s %-9s %s%s%s\n", row.feature.c_str(), row.present ? "yes" : "no",
                row.required ? "yes" : "no", row.needed_for.c_str(), row.detail.empty() ? "" : "; ",
                row.detail.c_str());
  }
}

}  // namespace

Result<DatapathChoice> choose_datapath(const Config& config) {
  if (config.datapath.kind == "kernel") {
    return choose_kernel("the configuration says kind = \"kernel\"");
  }
  const auto probe = probe_kernel();
  const auto choice = choose(probe.rows);
  if (auto checked = check_endpoint_device(config, choice.bpf); !checked) {
    return fail(checked.error());
  }
  if (choice.bpf) {
    return DatapathChoice{.bpf = true,
                          .reason = choice.reason,
                          .features = probe.features,
                          .no_big_tcp = why_no_big_tcp(config)};
  }
  if (config.datapath.kind == "bpf") {
    return fail(ErrorKind::Unavailable,
                "[datapath] kind = \"bpf\", but " + choice.reason +
                    "; `vtepd probe` prints what this kernel can, kind = \"auto\" takes the "
                    "kernel's vxlan devices");
  }
  auto kernel = choose_kernel(choice.reason);
  if (kernel) {
    spdlog::warn("the BPF data path cannot run here, {}: {}", choice.reason, kCost);
  }
  return kernel;
}

int print_probe() {
  auto probe = probe_kernel();
  probe.rows.push_back(netkit_row());
  probe.rows.push_back(headroom_row());
  probe.rows.push_back(big_tcp_row());
  print_rows("BPF DATA PATH", probe.rows);
  const auto devices = probe_kernel_path();
  std::printf("\n");
  print_rows("KERNEL DATA PATH", devices);
  const auto choice = choose(probe.rows);
  const auto missing = lacking(devices);
  if (choice.bpf) {
    std::printf("\ndata path: bpf (%s)\n", choice.reason.c_str());
    return 0;
  }
  if (missing.empty()) {
    std::printf("\ndata path: kernel (%s; %s)\n", choice.reason.c_str(), kCost);
    return 0;
  }
  std::printf("\ndata path: none (%s; the kernel data path lacks %s)\n", choice.reason.c_str(),
              missing.c_str());
  return 1;
}

}  // namespace vtepd
