// SPDX-License-Identifier: GPL-2.0-only
#include "dataplane/bench.h"

#include "bpf/tc_filters.h"
#include "support/mounts.h"

#include <array>
#include <cstdio>
#include <utility>

#include <linux/bpf.h>
#include <net/if.h>
#include <sys/mount.h>

#include <bpf/bpf.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::test {

void DataplaneTest::SetUp() {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root";
  }
  ASSERT_EQ(unshare(CLONE_NEWNET), 0);
  ASSERT_TRUE(private_mounts());
  ASSERT_EQ(mount("tmpfs", "/mnt", "tmpfs", 0, nullptr), 0);
  run("mkdir /mnt/bpf && mount -t bpf bpf /mnt/bpf && ip link set lo up");
}

BpfDataplane::Options DataplaneTest::options(const std::string& instance) {
  BpfDataplane::Options out;
  out.bpffs = kBpffs;
  out.instance = instance;
  out.vtep = IpAddress::v4(0xc0000201);
  out.limits = {.fdb = 1024, .neigh = 1024, .ports = 16, .vnis = 16, .peers = 16};
  out.mode = "tc";
  out.features.tcx = probe_kernel().features.tcx;
  return out;
}

std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");  // NOLINT(cert-env33-c): fixed commands
  std::array<char, 4096> buffer{};
  while (pipe != nullptr && fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    output += buffer.data();
  }
  if (pipe == nullptr || pclose(pipe) != 0) {
    throw std::runtime_error(command + ": " + output);
  }
  return output;
}

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

IfIndex make_veth(const std::string& name) {
  run("ip link add " + name + " type veth peer name " + name + "p");
  return IfIndex{if_nametoindex(name.c_str())};
}

std::vector<HookEntry> on_tcx(IfIndex ifindex, Direction direction) {
  std::array<__u32, 64> programs{};
  std::array<__u32, 64> links{};
  LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = programs.data(), .prog_cnt = 64,
              .link_ids = links.data());
  const auto type = direction == Direction::Ingress ? BPF_TCX_INGRESS : BPF_TCX_EGRESS;
  std::vector<HookEntry> out;
  if (bpf_prog_query_opts(static_cast<int>(ifindex.value), type, &query) == 0) {
    for (__u32 i = 0; i < query.count; ++i) {
      out.push_back({program_name(programs[i]), programs[i], links[i]});
    }
  }
  return out;
}

std::vector<HookEntry> on_clsact(IfIndex ifindex, Direction direction) {
  std::vector<HookEntry> out;
  for (const TcFilter& filter : must(list_tc_filters(ifindex, direction))) {
    out.push_back({program_name(filter.program_id), filter.program_id, 0});
  }
  return out;
}

std::vector<HookEntry> on_hook(const std::string& kind, IfIndex ifindex, Direction direction) {
  return kind == "tcx" ? on_tcx(ifindex, direction) : on_clsact(ifindex, direction);
}

std::vector<std::string> names(const std::vector<HookEntry>& entries) {
  std::vector<std::string> out;
  for (const HookEntry& entry : entries) {
    out.push_back(entry.program);
  }
  return out;
}

ForwardingState small_state(IfIndex host_end) {
  const Vni vni{42};
  const IpAddress remote = IpAddress::v4(0xc0000202);
  ForwardingState state;
  state.vnis[vni] = {.mtu = 1450, .dscp = 46};
  state.peers[1] = {.remote = remote,
                    .local = IpAddress::v4(0xc0000201),
                    .next_hop = IpAddress::v4(0xc00002fe),
                    .ifindex = IfIndex{2},
                    .mtu = 1500,
                    .reachable = true};
  state.members.insert({vni, remote});
  PortEntry port;
  port.vni = vni;
  port.mac = MacAddress{{2, 0x42, 10, 0, 0, 2}};
  port.address4 = IpAddress::v4(0x0a000002);
  port.allowed_addresses = {must(IpPrefix::parse("10.1.0.0/16")),
                            must(IpPrefix::parse("2001:db8::/64"))};
  port.allowed_macs = {MacAddress{{0, 0, 0x5e, 0, 1, 7}}};
  port.endpoint_ifindex = IfIndex{99};
  state.ports[host_end] = port;
  state.fdb[{vni, port.mac}] = {.vtep_id = 0, .ifindex = host_end, .same_netns = false};
  const MacAddress far{{2, 0x42, 10, 0, 0, 3}};
  state.fdb[{vni, far}] = {.vtep_id = 1, .ifindex = {}, .same_netns = false};
  state.neighbours[{vni, IpAddress::v4(0x0a000003)}] = far;
  return state;
}

void fill(BpfDataplane& dataplane, const ForwardingState& want) {
  const ApplyReport report = dataplane.apply(diff(must(dataplane.read_back()), want));
  for (const Error& error : report.errors) {
    throw std::runtime_error(error.what);
  }
}

}  // namespace vtepd::test
