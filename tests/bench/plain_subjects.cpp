// SPDX-License-Identifier: GPL-2.0-only
// Without an overlay: the hosts themselves, and containers that the hosts route to.
#include "bench/bed.h"

#include <stdexcept>

namespace vtepd::bench {

namespace {

class Bare final : public Subject {
 public:
  Bare()
      : ends_{.left = {.netns = &hosts_.left,
                       .interface = "eth0",
                       .address = "10.99.0.1",
                       .mac = mac_of(hosts_.left, "eth0")},
              .right = {.netns = &hosts_.right,
                        .interface = "eth0",
                        .address = "10.99.0.2",
                        .mac = mac_of(hosts_.right, "eth0")}} {
    ends_.beside = ends_.left;  // over the loopback
  }

  [[nodiscard]] std::string name() const override { return "bare"; }

  [[nodiscard]] const Ends& ends() const override { return ends_; }

  [[nodiscard]] const test::NetNamespace& left_host() const override { return hosts_.left; }

  [[nodiscard]] const test::NetNamespace& right_host() const override { return hosts_.right; }

  void fill(std::uint32_t) override { throw std::logic_error("bare hosts have no table"); }

 private:
  Hosts hosts_;
  Ends ends_;
};

// Every container has a /32, its host is its gateway and routes to the other host.
class Routed final : public Subject {
 public:
  Routed() {
    ends_.left = connect(hosts_.left, containers_.left, "c1", kLeft);
    ends_.beside = connect(hosts_.left, containers_.beside, "c3", kBeside);
    ends_.right = connect(hosts_.right, containers_.right, "c2", kRight);
    hosts_.left.ip(std::string("route add ") + kRight + " via 10.99.0.2");
    for (const char* address : {kLeft, kBeside}) {
      hosts_.right.ip(std::string("route add ") + address + " via 10.99.0.1");
    }
  }

  [[nodiscard]] std::string name() const override { return "routed"; }

  [[nodiscard]] const Ends& ends() const override { return ends_; }

  [[nodiscard]] const test::NetNamespace& left_host() const override { return hosts_.left; }

  [[nodiscard]] const test::NetNamespace& right_host() const override { return hosts_.right; }

  [[nodiscard]] std::string next_hop_mac() const override { return mac_of(hosts_.left, "c1"); }

  void fill(std::uint32_t) override { throw std::logic_error("routed containers have no table"); }

 private:
  static End connect(const test::NetNamespace& host, const test::NetNamespace& container,
                     const std::string& host_end, const std::string& address) {
    const std::string gateway = "169.254.1.1";
    End end =
        plug(container,
             {.host = host, .host_end = host_end, .address = address + "/32", .mtu = kHostMtu});
    host.sysctl("net.ipv4.ip_forward", "1");
    host.ip("route add " + address + " dev " + host_end + "\nneighbour add " + address +
            " lladdr " + end.mac + " dev " + host_end + " nud permanent");
    container.ip("route add " + gateway + " dev eth0\nneighbour add " + gateway + " lladdr " +
                 mac_of(host, host_end) + " dev eth0 nud permanent\nroute add default via " +
                 gateway);
    return end;
  }

  Hosts hosts_;
  Containers containers_;
  Ends ends_;
};

}  // namespace

std::unique_ptr<Subject> make_bare() {
  return std::make_unique<Bare>();
}

std::unique_ptr<Subject> make_routed() {
  return std::make_unique<Routed>();
}

}  // namespace vtepd::bench
