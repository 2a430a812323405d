// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/process.h"

#include <functional>
#include <string>
#include <vector>

namespace vtepd::test {

// "vt<pid>-": in front of every name that a test program leaves on the machine. A helper process
// takes everything so named off the machine when the program is gone, however it ended.
const std::string& lab_prefix();

// "vt<pid>-<n>", at most 15 characters.
std::string unique_name();

// A folder of this test program under /tmp, removed with it.
const std::string& lab_folder();

// A named network namespace with its loopback up, deleted with this object.
class NetNamespace {
 public:
  NetNamespace();
  // One that another program made, under a name of ours. `handle` is the path of its file.
  explicit NetNamespace(const std::string& handle);
  ~NetNamespace();
  NetNamespace(const NetNamespace&) = delete;
  NetNamespace& operator=(const NetNamespace&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] std::string path() const { return "/run/netns/" + name_; }

  // One per line, as for `ip -batch`; throws with ip's message if one is refused.
  void ip(const std::string& commands) const;
  [[nodiscard]] Outcome exec(std::vector<std::string> argv, Milliseconds deadline = Seconds(60),
                             std::string input = "") const;
  [[nodiscard]] Command command(std::vector<std::string> argv) const;
  void inside(const std::function<void()>& function) const;  // in a thread of its own
  void sysctl(const std::string& key, const std::string& value) const;
  // "eth0/gro_flush_timeout" of /sys/class/net as the namespace has it.
  void set_link_attribute(const std::string& path, const std::string& value) const;

  void destroy();  // the name goes; what still holds the namespace keeps it
  void create();   // anew, under the same name

 private:
  std::string name_;
  bool exists_ = false;
};

}  // namespace vtepd::test
