// SPDX-License-Identifier: GPL-2.0-only
// What dockerd lays out for its classic overlay: on each host a bridge and a vxlan device in a
// namespace of their own, the device's socket in the host's. The tables are filled beforehand.
#include "bench/bed.h"
#include "bench/kernel_tables.h"

#include <stdexcept>

namespace vtepd::bench {

namespace {

constexpr const char* kVxlan = "vx0";

class DockerLayout final : public Subject {
 public:
  DockerLayout() {
    lay_out(hosts_.left, left_sandbox_);
    lay_out(hosts_.right, right_sandbox_);
    ends_.left = join(left_sandbox_, containers_.left, "c1", kLeft);
    ends_.beside = join(left_sandbox_, containers_.beside, "c3", kBeside);
    ends_.right = join(right_sandbox_, containers_.right, "c2", kRight);
    ends_.router = join(right_sandbox_, containers_.router, "c4", kRouter);
    make_router(containers_.router);
    know(left_sandbox_, {kRight, kRouter}, "10.99.0.2");
    know(right_sandbox_, {kLeft, kBeside}, "10.99.0.1");
  }

  [[nodiscard]] std::string name() const override { return "docker-layout"; }

  [[nodiscard]] const Ends& ends() const override { return ends_; }

  [[nodiscard]] const test::NetNamespace& left_host() const override { return hosts_.left; }

  [[nodiscard]] const test::NetNamespace& right_host() const override { return hosts_.right; }

  void fill(std::uint32_t endpoints) override {
    fill_kernel_tables(left_sandbox_.path(), kVxlan, endpoints);
    fill_kernel_tables(right_sandbox_.path(), kVxlan, endpoints);
  }

 private:
  static void lay_out(const test::NetNamespace& host, const test::NetNamespace& sandbox) {
    sandbox.sysctl("net.ipv6.conf.all.disable_ipv6", "1");
    sandbox.sysctl("net.ipv6.conf.default.disable_ipv6", "1");
    host.ip(std::string("link add ") + kVxlan +
            " type vxlan id 256 dstport 4789 noudpcsum proxy nolearning l2miss l3miss\nlink set " +
            kVxlan + " netns " + sandbox.name());
    sandbox.ip(std::string("link add br0 type bridge\nlink set ") + kVxlan +
               " mtu 1450 master br0 up\nlink set br0 mtu 1450 up");
  }

  static End join(const test::NetNamespace& sandbox, const test::NetNamespace& container,
                  const std::string& host_end, const std::string& address) {
    End end = plug(container, {.host = sandbox, .host_end = host_end, .address = address + "/12"});
    sandbox.ip("link set " + host_end + " master br0");
    return end;
  }

  static void know(const test::NetNamespace& sandbox, const std::vector<std::string>& addresses,
                   const std::string& vtep) {
    for (const std::string& address : addresses) {
      const std::string mac = docker_mac_of(address);
      sandbox.ip("neighbour add " + address + " lladdr " + mac + " dev " + kVxlan +
                 " nud permanent");
      const test::Outcome added = sandbox.exec(
          {"bridge", "fdb", "add", mac, "dev", kVxlan, "dst", vtep, "self", "permanent"});
      if (!added.ok()) {
        throw std::runtime_error("bridge fdb add " + mac + ": " + added.text());
      }
    }
  }

  Hosts hosts_;
  test::NetNamespace left_sandbox_;
  test::NetNamespace right_sandbox_;
  Containers containers_;
  Ends ends_;
};

}  // namespace

std::unique_ptr<Subject> make_docker_layout() {
  return std::make_unique<DockerLayout>();
}

}  // namespace vtepd::bench
