// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <cstdint>
#include <string>

namespace vtepd::bench {

// An interface in a namespace.
struct Place {
  const test::NetNamespace* netns = nullptr;
  std::string interface {};
};

// A TC program in front of all others on an interface's ingress, while this lives: by tcx, or
// before Linux 6.6 by a filter. Throws if the kernel refuses it.
class IngressProgram {
 public:
  IngressProgram(const Place& place, int program);
  ~IngressProgram();
  IngressProgram(const IngressProgram&) = delete;
  IngressProgram& operator=(const IngressProgram&) = delete;

 private:
  Place place_;
  int program_;
  std::uint32_t priority_ = 0;  // of the filter; 0: there is none
};

}  // namespace vtepd::bench
