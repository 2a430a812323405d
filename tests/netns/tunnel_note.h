// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <cstdint>
#include <memory>
#include <string>

struct netns_note_bpf;

namespace vtepd::test {

// Counts what leaves an interface as VXLAN (port 4789) by what the kernel says of it beside its
// bytes.
class TunnelNotes {
 public:
  // False if the kernel does not let programs look (before 6.2, or without BTF).
  [[nodiscard]] static bool can_be_read();
  TunnelNotes(const NetNamespace& netns, const std::string& interface);
  // Frames so far: with or without a checksum to be completed, with or without a note of their
  // inner headers.
  [[nodiscard]] std::uint64_t count(bool pending, bool noted) const;

 private:
  struct Destroy {
    void operator()(netns_note_bpf* skeleton) const;
  };

  std::unique_ptr<netns_note_bpf, Destroy> skeleton_;
};

}  // namespace vtepd::test
