// SPDX-License-Identifier: GPL-2.0-only
#include "bench/catalogue.h"

namespace vtepd::bench {

namespace {

const std::vector<WorkText> kWorks{
    {"receive_64", "Receiving a datagram of 64 bytes",
     "Frames are injected at the NIC (`BPF_PROG_TEST_RUN`, live frames) and counted in the "
     "container; time that one core is busy. For `bare` they are counted at the NIC itself: what "
     "the measuring takes.",
     true},
    {"send_64", "Sending a datagram of 64 bytes",
     "Sent by a raw socket in the container and counted behind the NIC; time that one core is "
     "busy. Not in xdp mode: on a veth the receiver's program runs within the sender's cost.",
     true},
    {"program_decap", "The programs that decapsulate",
     "Run time for each frame, which the driver hands on, by the kernel's own statistics "
     "(`kernel.bpf_stats_enabled`), less that of an empty program in the same run.",
     true},
    {"program_encap", "The program that encapsulates", "Likewise, during `send_64`.", true},
    {"udp_64", "Datagrams of 64 bytes between sockets",
     "One `send()` each; received, for each second that the sender's core was busy. The path "
     "runs "
     "on the sender's core, the receiving program on another.",
     false},
    {"tcp_1", "TCP, one stream",
     "The veth between the hosts passes 64 KB frames whole. `cpu_s_per_gb` is processor time of "
     "all cores for 10^9 bytes.",
     false},
    {"tcp_4", "TCP, four streams", "Likewise.", false},
    {"tcp_1_wire", "TCP, one stream, frames as on a wire",
     "The sender's kernel cuts frames to the MTU in front of the veth, the receiver's merges "
     "them (GRO). Endpoints of `vtepd-tc` and `vtepd-xdp` hand over frames of up to 192 KiB then "
     "([big_tcp](operations.md#tcp-frames)); all others have the kernel's 64 KiB, which could be "
     "raised by hand for them, too.",
     false},
    {"tcp_4_wire", "TCP, four streams, frames as on a wire", "Likewise.", false},
    {"tcp_rr", "TCP round trip",
     "64 bytes back and forth on one connection, client and server on a core each: p50, and "
     "`p99` beside it.",
     true},
    {"udp_rr", "UDP round trip", "Likewise.", true},
    {"tcp_crr", "Connections", "Connect, 64 bytes each way, close; one after another.", false},
    {"same_host_tcp", "TCP between two containers of a host",
     "One stream. For `bare` over the loopback.", false},
    {"same_host_rr", "TCP round trip between two containers of a host", "p50.", true},
    {"forwarding_tcp", "TCP through an endpoint that forwards",
     "One stream between two containers of a host, by way of a router in a container of the "
     "other host: it crosses the overlay twice.",
     false},
    {"snapshot_to_maps", "A store's values to maps",
     "The daemon's agent, in the benchmark's process, gets all endpoints of a network as "
     "dockerd's JSON in memory, as an adapter hands them on; up to the last map update. Time on "
     "the processor. `file_read_seconds` and `consul_read_seconds`: what a file store and a "
     "Consul server on this machine take to hand them on.",
     false},
    {"event_to_map", "One change to maps",
     "An endpoint's key comes while the agent's loop does what else it does: p50, and `p99` "
     "beside it.",
     true},
    {"agent_memory", "Memory of the agent", "Resident, more than before the endpoints came.", true},
    {"kernel_table_load", "Filling the tables alone",
     "FDB and neighbour entry of an endpoint: the BPF maps by the daemon's own code, for "
     "`docker-layout` the kernel's tables by netlink.",
     true}};

const std::vector<SubjectText> kSubjects{
    {"bare", "the hosts themselves, without containers"},
    {"routed", "containers to which the hosts route, without an overlay; MTU 1500"},
    {"docker-layout",
     "what Docker's overlay driver lays out: veth, bridge, kernel vxlan device with `proxy`, "
     "static FDB and neighbours"},
    {"flow-based",
     "a kernel vxlan device in collect-metadata mode, driven by BPF programs "
     "(`bpf_skb_set_tunnel_key`)"},
    {"vtepd-tc", "vtepd, `underlay.mode = \"tc\"`"},
    {"vtepd-xdp", "vtepd, `underlay.mode = \"xdp\"`; native XDP of a veth, not of a NIC"},
    {"vtepd-kernel", "vtepd, `datapath.kind = \"kernel\"`"}};

}  // namespace

const std::vector<WorkText>& catalogue() {
  return kWorks;
}

const std::vector<SubjectText>& subject_catalogue() {
  return kSubjects;
}

std::string base_name(const std::string& work) {
  for (const std::string suffix : {"_hot", "_uniform"}) {
    if (work.ends_with(suffix)) {
      return work.substr(0, work.size() - suffix.size());
    }
  }
  return work;
}

}  // namespace vtepd::bench
