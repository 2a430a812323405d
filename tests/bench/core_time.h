// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

namespace vtepd::bench {

// Binds the calling thread to a core. Throws if that is refused.
void pin_to(int core);

// Cores that the program may use: the one that is measured, and another one (the same if there is
// only one).
[[nodiscard]] int measured_core();
[[nodiscard]] int other_core();

// The time that passes for the calling thread, less what it waits for a processor: as on a machine
// that has nothing else to do, unless the thread sleeps.
class OwnTime {
 public:
  OwnTime();
  [[nodiscard]] double elapsed_ns() const;

 private:
  std::int64_t begin_ = 0;
};

// How long a core was busy with the calling thread, which is bound to it, and with the packets that
// it sends: the thread's own time on the processor, plus that of the core's ksoftirqd. That it
// sleeps is left out: the kernel puts it to sleep, for some ticks, when it has injected frames.
// Only where softirqs are not accounted to the thread that they interrupt it is the time that
// passes.
class CoreTime {
 public:
  explicit CoreTime(int core);
  [[nodiscard]] double elapsed_ns() const;

 private:
  [[nodiscard]] std::int64_t softirqs_ns() const;

  OwnTime own_;
  std::string ksoftirqd_;  // its schedstat file; empty if it was not found
  std::int64_t ran_ = 0;
  std::int64_t softirqs_ = 0;
};

// What this process and the ksoftirqd of every core have run so far, in seconds: with the packets
// that its threads send and receive, wherever the kernel accounts softirqs to the thread that they
// interrupt (all but CONFIG_IRQ_TIME_ACCOUNTING).
[[nodiscard]] double process_busy_seconds();

}  // namespace vtepd::bench
