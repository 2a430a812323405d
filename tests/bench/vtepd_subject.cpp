// SPDX-License-Identifier: GPL-2.0-only
// The built vtepd on both hosts. What it does not learn from its store is added to its tables as it
// would write it: a store of a million files takes minutes to be made, and the tables are the same.
#include "base/unique_fd.h"
#include "bench/bed.h"
#include "bench/bpf_table.h"
#include "bench/kernel_tables.h"
#include "bench/numbering.h"
#include "bpf/abi_codec.h"
#include "support/lab.h"

#include <filesystem>
#include <stdexcept>

#include <net/if.h>

namespace vtepd::bench {

namespace {

constexpr std::uint32_t kFirstPeer = 2000;  // VTEP ids that the daemon is far from giving
constexpr const char* kName = "bench";

test::HostOptions options_of(const std::string& name, std::uint32_t endpoints) {
  test::HostOptions options;
  const std::string size = std::to_string(endpoints + 1024);
  if (endpoints > 100000) {
    options.limits = "fdb = " + size + "\nneigh = " + size + "\n";
  }
  if (name == "vtepd-kernel") {
    options.datapath = "kind = \"kernel\"\n";
  } else {
    options.underlay = name == "vtepd-xdp" ? "mode = \"xdp\"\n" : "mode = \"tc\"\n";
    options.datapath = "kind = \"bpf\"\n";
  }
  return options;
}

std::string map_folder(const test::Host& host) {
  return host.pin_dir() + "/v" + std::to_string(VTEP_ABI_VERSION);
}

UniqueFd open_map(const test::Host& host, const std::string& name) {
  const std::string path = map_folder(host) + "/" + name;
  UniqueFd map(bpf_obj_get(path.c_str()));
  if (!map.valid()) {
    throw std::runtime_error("no map at " + path);
  }
  return map;
}

std::uint32_t index_of(const test::NetNamespace& netns, const std::string& interface) {
  std::uint32_t index = 0;
  netns.inside([&] { index = if_nametoindex(interface.c_str()); });
  return index;
}

// The VTEPs of frame.h, all of them behind `next_hop`, may send into the network and are sent to.
void add_vteps(const test::Host& host, Vni vni, const IpAddress& next_hop) {
  const UniqueFd peers = open_map(host, "vtep_peers");
  const UniqueFd members = open_map(host, "vtep_members");
  BpfTable<__u32, vtep_peer> peer_table(peers.get());
  BpfTable<vtep_member_key, __u8> member_table(members.get());
  const IfIndex device{index_of(host.netns(), "eth0")};
  for (std::uint32_t number = 0; number < BENCH_VTEPS; ++number) {
    const IpAddress vtep = numbered(number).vtep;
    const auto peer = abi::encode(PeerEntry{.remote = vtep,
                                            .local = IpAddress::parse(host.address()).value(),
                                            .next_hop = next_hop,
                                            .ifindex = device,
                                            .mtu = kHostMtu,
                                            .reachable = true},
                                  4789);
    peer_table.put(kFirstPeer + number, peer.value());
    member_table.put(abi::encode(MemberKey{vni, vtep}), 1);
  }
}

void fill_maps(const test::Host& host, Vni vni, const IpAddress& next_hop, std::uint32_t count) {
  add_vteps(host, vni, next_hop);
  const UniqueFd fdb = open_map(host, "vtep_fdb");
  const UniqueFd neighbours = open_map(host, "vtep_neigh");
  BpfTable<vtep_fdb_key, vtep_fdb_value> fdb_table(fdb.get());
  BpfTable<vtep_neigh_key, vtep_neigh_value> neighbour_table(neighbours.get());
  for (std::uint32_t i = 0; i < count; ++i) {
    const Numbered remote = numbered(i);
    fdb_table.put(abi::encode(FdbKey{vni, remote.mac}),
                  abi::encode(FdbEntry{.vtep_id = kFirstPeer + remote.vtep_number}));
    neighbour_table.put(abi::encode(NeighbourKey{vni, remote.address}), abi::encode(remote.mac));
  }
}

class Vtepd final : public Subject {
 public:
  Vtepd(const std::string& name, std::uint32_t endpoints)
      : name_(name),
        store_(test::lab_folder() + "/" + test::unique_name() + "store"),
        left_(1, store_, options_of(name, endpoints)),
        right_(2, store_, options_of(name, endpoints)) {
    std::filesystem::create_directories(store_);
    lay_cable(left_.netns(), right_.netns());
    left_.start();
    right_.start();
    left_.must({"network", "create", kName, "--subnet", kNetwork});
    if (!test::wait_until(
            [&] {
              return right_.ctl({"network", "inspect", kName}).ok();
            },
            test::Seconds(10))) {
      throw std::runtime_error("the network does not get to the other host");
    }
    ends_.left = attach(left_, kLeft);
    ends_.beside = attach(left_, kBeside);
    ends_.right = attach(right_, kRight);
    ends_.router = attach(right_, kRouter, {"--allow-address", kNetwork});
    make_router(*ends_.router->netns);
    for (const auto& [host, address] :
         {std::pair(&left_, kRight), {&left_, kRouter}, {&right_, kLeft}, {&right_, kBeside}}) {
      test::await_known(*host, address);
    }
  }

  [[nodiscard]] std::string name() const override { return name_; }

  [[nodiscard]] const Ends& ends() const override { return ends_; }

  [[nodiscard]] const test::NetNamespace& left_host() const override { return left_.netns(); }

  [[nodiscard]] const test::NetNamespace& right_host() const override { return right_.netns(); }

  // A daemon hears of a change before the request that comes next, but may take that first.
  void settle() const override {
    for (const auto* host : {&left_, &right_, &left_, &right_}) {
      (void)host->ctl({"show", "status"});
    }
  }

  [[nodiscard]] std::string maps_of_left() const override { return maps_of(left_); }

  [[nodiscard]] std::string maps_of_right() const override { return maps_of(right_); }

  void fill(std::uint32_t endpoints) override {
    const test::Outcome network = left_.ctl({"network", "inspect", kName, "--json"});
    const Vni vni{test::Json::parse(network.out).at("network").at("subnets").at(0).at("vni")};
    for (const auto& [host, other] : {std::pair(&left_, &right_), {&right_, &left_}}) {
      if (name_ == "vtepd-kernel") {
        fill_kernel_tables(host->overlay_netns(), "vx" + std::to_string(vni.value), endpoints);
      } else {
        fill_maps(*host, vni, IpAddress::parse(other->address()).value(), endpoints);
      }
    }
  }

 private:
  static End attach(test::Host& host, const std::string& address,
                    const std::vector<std::string>& options = {}) {
    const test::Container& container = host.attach(kName, address, options);
    return {.netns = &container.netns,
            .interface = container.interface,
            .address = container.address,
            .mac = container.mac};
  }

  [[nodiscard]] std::string maps_of(const test::Host& host) const {
    return name_ == "vtepd-kernel" ? "" : map_folder(host);
  }

  std::string name_;
  std::string store_;
  test::Host left_;
  test::Host right_;
  Ends ends_;
};

}  // namespace

std::unique_ptr<Subject> make_vtepd(const std::string& name, std::uint32_t endpoints) {
  return std::make_unique<Vtepd>(name, endpoints);
}

}  // namespace vtepd::bench
