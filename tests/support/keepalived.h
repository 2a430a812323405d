// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <memory>
#include <string>

namespace vtepd::test {

// One of two VRRP routers that share a virtual address and talk by unicast.
struct KeepalivedOptions {
  std::string address;          // its own, on `interface`
  std::string peer;             // the other one's
  std::string virtual_address;  // with prefix length
  int priority = 100;           // the higher one holds the address
  bool virtual_mac = false;     // the address lives on a macvlan with 00:00:5e:00:01:<router>
  std::string interface = "eth0";
  int router = 51;
};

// A keepalived in a namespace with files of its own: nothing outside of the lab's folder is read or
// written, syslog neither. Ends with this object.
class Keepalived {
 public:
  // The virtual MAC of a router number.
  [[nodiscard]] static std::string virtual_mac(int router);

  Keepalived(const NetNamespace& netns, KeepalivedOptions options);
  ~Keepalived();
  Keepalived(const Keepalived&) = delete;
  Keepalived& operator=(const Keepalived&) = delete;

  void start();  // again after stop() or kill9()
  void stop();   // as on a shutdown: it gives the address up and tells its peer
  void kill9();  // as on a crash: the address stays configured, the peer hears nothing more

  // Whether it says that it holds the address now, and whether the namespace has it.
  [[nodiscard]] bool is_master() const;
  [[nodiscard]] bool has_address() const;

  [[nodiscard]] std::string output() const { return read_file(path("log")); }

 private:
  [[nodiscard]] std::string config() const;

  [[nodiscard]] std::string path(const std::string& what) const { return base_ + "." + what; }

  const NetNamespace& netns_;
  KeepalivedOptions options_;
  std::string base_;
  std::unique_ptr<Process> process_;
};

}  // namespace vtepd::test
