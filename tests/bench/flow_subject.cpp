// SPDX-License-Identifier: GPL-2.0-only
// A vxlan device in collect-metadata mode on each host, driven by BPF programs on the endpoints'
// host ends and on the device itself.
#include "bench/bed.h"
#include "bench/bpf_table.h"
#include "bench/flow.h"
#include "bench/numbering.h"
#include "bench_flow.skel.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd::bench {

namespace {

constexpr std::uint32_t kOwnEndpoints = 16;

flow_key key_of(const MacAddress& mac) {
  flow_key key{.vni = FLOW_VNI, .mac = {}, .pad = {}};
  std::ranges::copy(mac.bytes, key.mac);
  return key;
}

// The device, the table and the programs of one host.
class FlowHost {
 public:
  FlowHost(const test::NetNamespace& netns, std::uint32_t endpoints) : netns_(netns) {
    netns_.ip("link add vx0 type vxlan external dstport 4789\nlink set vx0 mtu 1450 up");
    skeleton_.reset(bench_flow_bpf::open());
    if (skeleton_ != nullptr) {
      skeleton_->rodata->flow_vxlan = index_of("vx0");
      bpf_map__set_max_entries(skeleton_->maps.flow_targets, endpoints + kOwnEndpoints);
    }
    if (skeleton_ == nullptr || bench_flow_bpf::load(skeleton_.get()) != 0) {
      throw std::runtime_error("cannot load the programs of the subject flow-based");
    }
    from_vxlan_ = std::make_unique<IngressProgram>(
        Place{&netns_, "vx0"}, bpf_program__fd(skeleton_->progs.flow_from_vxlan));
  }

  End add(const test::NetNamespace& container, const std::string& host_end,
          const std::string& address) {
    End end = plug(container, {.host = netns_, .host_end = host_end, .address = address + "/12"});
    from_endpoints_.push_back(std::make_unique<IngressProgram>(
        Place{&netns_, host_end}, bpf_program__fd(skeleton_->progs.flow_from_ep)));
    put(address, {.vtep = 0, .ifindex = index_of(host_end)});
    return end;
  }

  void put(const std::string& address, const flow_target& target) {
    const flow_key key = key_of(docker_mac(IpAddress::parse(address).value()));
    BpfTable<flow_key, flow_target> table(bpf_map__fd(skeleton_->maps.flow_targets));
    table.put(key, target);
  }

  void fill(std::uint32_t endpoints) {
    BpfTable<flow_key, flow_target> table(bpf_map__fd(skeleton_->maps.flow_targets));
    for (std::uint32_t i = 0; i < endpoints; ++i) {
      const Numbered remote = numbered(i);
      table.put(key_of(remote.mac), {.vtep = remote.vtep.to_v4(), .ifindex = 0});
    }
  }

 private:
  struct Destroy {
    void operator()(bench_flow_bpf* skeleton) const { bench_flow_bpf::destroy(skeleton); }
  };

  [[nodiscard]] std::uint32_t index_of(const std::string& interface) const {
    std::uint32_t index = 0;
    netns_.inside([&] { index = if_nametoindex(interface.c_str()); });
    return index;
  }

  const test::NetNamespace& netns_;
  std::unique_ptr<bench_flow_bpf, Destroy> skeleton_;
  std::unique_ptr<IngressProgram> from_vxlan_;
  std::vector<std::unique_ptr<IngressProgram>> from_endpoints_;
};

class FlowBased final : public Subject {
 public:
  explicit FlowBased(std::uint32_t endpoints)
      : left_(hosts_.left, endpoints), right_(hosts_.right, endpoints) {
    ends_.left = left_.add(containers_.left, "c1", kLeft);
    ends_.beside = left_.add(containers_.beside, "c3", kBeside);
    ends_.right = right_.add(containers_.right, "c2", kRight);
    ends_.router = right_.add(containers_.router, "c4", kRouter);
    make_router(containers_.router);
    know(left_, {kRight, kRouter}, "10.99.0.2");
    know(right_, {kLeft, kBeside}, "10.99.0.1");
    for (const auto* container :
         {&containers_.left, &containers_.beside, &containers_.right, &containers_.router}) {
      for (const char* address : {kLeft, kBeside, kRight, kRouter}) {
        container->ip(std::string("neighbour add ") + address + " lladdr " +
                      docker_mac_of(address) + " dev eth0 nud permanent");
      }
    }
  }

  [[nodiscard]] std::string name() const override { return "flow-based"; }

  [[nodiscard]] const Ends& ends() const override { return ends_; }

  [[nodiscard]] const test::NetNamespace& left_host() const override { return hosts_.left; }

  [[nodiscard]] const test::NetNamespace& right_host() const override { return hosts_.right; }

  void fill(std::uint32_t endpoints) override {
    left_.fill(endpoints);
    right_.fill(endpoints);
  }

 private:
  static void know(FlowHost& host, const std::vector<std::string>& addresses,
                   const std::string& vtep) {
    for (const std::string& address : addresses) {
      host.put(address, {.vtep = IpAddress::parse(vtep).value().to_v4(), .ifindex = 0});
    }
  }

  Hosts hosts_;
  Containers containers_;
  FlowHost left_;
  FlowHost right_;
  Ends ends_;
};

}  // namespace

std::unique_ptr<Subject> make_flow_based(std::uint32_t endpoints) {
  return std::make_unique<FlowBased>(endpoints);
}

}  // namespace vtepd::bench
