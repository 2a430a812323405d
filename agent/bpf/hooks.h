// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/types.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd {

// Driver: native XDP, before there is an skb. Netkit: in the sending of the other end of a netkit
// device, which is named by its host end.
enum class Direction { Driver, Ingress, Egress, Netkit };
// Ours on one hook run in this order; one that returns TC_ACT_UNSPEC hands on to the next.
enum class Place { Front, Second, Last };

// A program's place on an interface. `name` is its identity over restarts: attaching the same name
// to another interface moves it.
struct Attachment {
  std::string name;
  IfIndex ifindex;
  Direction direction = Direction::Ingress;
  Place place = Place::Front;
};

// One way to hook programs up to an interface. The kernel keeps them when the process ends.
class Hooks {
 public:
  virtual ~Hooks() = default;
  [[nodiscard]] virtual std::string_view kind() const = 0;
  // Attaches, or replaces the program that is there without a packet seeing none. True if there
  // was none.
  virtual Result<bool> attach(const Attachment& at, int program) = 0;
  // Fine if nothing is there.
  virtual Result<void> detach(const Attachment& at) = 0;
  // Kernel id of our program there; 0 if there is none.
  virtual Result<std::uint32_t> attached(const Attachment& at) = 0;
  // Forgets what belongs to interfaces that are gone, and any `underlay` attachment of an earlier
  // run to another interface than this.
  virtual Result<void> sweep(const Attachment& underlay) = 0;
};

// Links (Linux 6.6), pinned in `links`.
std::unique_ptr<Hooks> make_tcx_hooks(std::string links);
// Native XDP by links (Linux 5.9), pinned likewise; direction and place mean nothing there.
std::unique_ptr<Hooks> make_xdp_hooks(std::string links);
// A netkit device's own hook by links (Linux 6.7), pinned likewise; place means nothing there.
std::unique_ptr<Hooks> make_netkit_hooks(std::string links);
// Filters of the clsact qdisc. `handle` tells the instances of one network namespace apart: its
// UDP port. That the qdisc is ours to remove is marked by a folder in `links`.
std::unique_ptr<Hooks> make_clsact_hooks(std::string links, std::uint16_t handle);

// The interface is the host end of a netkit device. False where the kernel has none of them.
[[nodiscard]] bool is_netkit(IfIndex ifindex);

// "eth0", or "interface 7" if it is gone.
[[nodiscard]] std::string interface_name(IfIndex ifindex);

}  // namespace vtepd
