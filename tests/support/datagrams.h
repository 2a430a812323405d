// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <cstddef>
#include <string>

namespace vtepd::test {

struct DatagramPlan {
  std::size_t count = 1000;
  std::size_t size = 1000;  // of a datagram's payload, its number included
  std::size_t batch = 1;    // datagrams to a system call, by UDP_SEGMENT if more than one
  std::size_t per_second = 5000;
};

struct DatagramCount {
  std::size_t sent = 0;
  std::size_t arrived = 0;  // with the right bytes, each number once
  std::size_t wrong = 0;    // with others, or once more
  bool refused = false;     // the sender's kernel cannot do it that way
};

// Sends numbered datagrams with known bytes to a receiver in `to`, at `address`, and waits for them
// until none has come for a second.
DatagramCount send_datagrams(const NetNamespace& from, const NetNamespace& to,
                             const std::string& address, const DatagramPlan& plan);

}  // namespace vtepd::test
