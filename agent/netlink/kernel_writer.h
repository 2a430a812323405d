// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "netlink/kernel_dataplane.h"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::netlink {

// Carries one delta out, in the order of ForwardingDelta, in batches; remembers what was refused.
class KernelDataplane::Writer {
 public:
  Writer(KernelDataplane& dataplane, const ForwardingDelta& delta)
      : at_(dataplane), delta_(delta) {}

  ApplyReport run();

 private:
  // Of a batch: whose it is, and whether there may be nothing to remove.
  struct Tag {
    std::size_t item = 0;
    bool may_be_gone = false;
  };

  // The requests of one table, sent when there are enough of them.
  class Batch {
   public:
    Batch(Writer& writer, std::string table, std::function<void(std::size_t)> on_refused)
        : writer_(writer), table_(std::move(table)), on_refused_(std::move(on_refused)) {}

    void add(Message message, std::size_t item);
    void add_removal(Message message, std::size_t item);
    void flush();

   private:
    void append(Message message, Tag tag);

    Writer& writer_;
    std::string table_;
    std::function<void(std::size_t)> on_refused_;
    std::vector<Message> messages_;
    std::vector<Tag> tags_;
  };

  void put_peers();
  void put_vnis();
  void put_filters();
  void put_ports();
  Result<void> put_port(IfIndex host_end, const PortEntry& entry);
  void put_fdb();
  void put_neighbours();
  void remove_neighbours();
  void remove_fdb();
  void remove_ports();
  void remove_vnis();
  void remove_peers();
  void refuse(const Error& error);
  // The device of a VNI; none is an error of the caller's entry.
  [[nodiscard]] IfIndex vxlan_of(Vni vni) const;

  KernelDataplane& at_;
  const ForwardingDelta& delta_;
  ApplyReport report_;
};

}  // namespace vtepd::netlink
