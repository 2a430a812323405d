// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/meter.h"
#include "support/netns.h"
#include "support/packet.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::bench {

// Where traffic begins or ends: a container's interface, or a host's own.
struct End {
  const test::NetNamespace* netns = nullptr;
  std::string interface {};
  std::string address{};
  std::string mac{};

  [[nodiscard]] Place place() const { return {netns, interface}; }
};

// The ends of a subject. `left` and `right` are on different hosts; `beside` is on the host of
// `left`; `router` is on the host of `right` and forwards.
struct Ends {
  End left;
  End right;
  std::optional<End> beside{};
  std::optional<End> router{};
};

// One way to connect containers on two hosts, laid out and running; all of it goes with the object.
// The hosts are namespaces, each with one end of a cable: eth0, 10.99.0.1 and 10.99.0.2.
class Subject {
 public:
  virtual ~Subject() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual const Ends& ends() const = 0;
  [[nodiscard]] virtual const test::NetNamespace& left_host() const = 0;
  [[nodiscard]] virtual const test::NetNamespace& right_host() const = 0;

  // What `left` addresses its frames for `right` to.
  [[nodiscard]] virtual std::string next_hop_mac() const { return ends().right.mac; }

  // Adds remote endpoints to the tables of both hosts (frame.h has their numbers), by which all of
  // them are reached over the cable.
  virtual void fill(std::uint32_t endpoints) = 0;

  // Returns when what was changed on the devices of its hosts has had its effect.
  virtual void settle() const {}

  // Where the maps of vtepd's BPF programs on a host are pinned; empty if it has none.
  [[nodiscard]] virtual std::string maps_of_left() const { return ""; }

  [[nodiscard]] virtual std::string maps_of_right() const { return ""; }
};

// "bare", "routed" and so on, in the order of the report.
[[nodiscard]] const std::vector<std::string>& subject_names();

// Ready to carry traffic. `endpoints` is how many its tables have to hold. Throws if it cannot be
// laid out, or if `left` does not reach `right`.
[[nodiscard]] std::unique_ptr<Subject> make_subject(const std::string& name,
                                                    std::uint32_t endpoints);

// Those that make_subject() makes.
[[nodiscard]] std::unique_ptr<Subject> make_bare();
[[nodiscard]] std::unique_ptr<Subject> make_routed();
[[nodiscard]] std::unique_ptr<Subject> make_docker_layout();
[[nodiscard]] std::unique_ptr<Subject> make_flow_based(std::uint32_t endpoints);
[[nodiscard]] std::unique_ptr<Subject> make_vtepd(const std::string& name, std::uint32_t endpoints);

// Joins two namespaces by a cable, as the hosts of a subject: a veth pair that hands frames to GRO.
void lay_cable(const test::NetNamespace& left, const test::NetNamespace& right);

// Frames that leave a namespace on the device are cut to the MTU, as on a wire, while it lives.
class WireFrames {
 public:
  explicit WireFrames(const Subject& subject);
  ~WireFrames();
  WireFrames(const WireFrames&) = delete;
  WireFrames& operator=(const WireFrames&) = delete;

 private:
  const Subject& subject_;
};

[[nodiscard]] std::string mac_of(const test::NetNamespace& netns, const std::string& interface);

// Addresses of the containers, and Docker's MACs for them.
inline constexpr const char* kLeft = "172.31.255.1";
inline constexpr const char* kRight = "172.31.255.2";
inline constexpr const char* kBeside = "172.31.255.3";
inline constexpr const char* kRouter = "172.31.255.4";
inline constexpr const char* kNetwork = "172.16.0.0/12";

}  // namespace vtepd::bench
