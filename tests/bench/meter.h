// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/unique_fd.h"
#include "bench/ingress_program.h"
#include "support/packet.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct bench_meter_bpf;

namespace vtepd::bench {

// Run time and count of a program, as the kernel keeps them while statistics are on.
struct ProgramStats {
  std::string name;
  std::uint64_t run_ns = 0;
  std::uint64_t runs = 0;
};

// The benchmark's own BPF programs: they inject frames and count those that arrive. One measurement
// at a time. Throws where the kernel refuses something.
class Meter {
 public:
  Meter();
  ~Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  // While the counter lives, frames for it are counted where it is, and go no further.
  class Counter {
   public:
    // With an empty program in front of it, both run once for each frame.
    Counter(Meter& meter, const Place& place, bool with_empty = false);
    [[nodiscard]] std::uint64_t arrived() const;

   private:
    Meter& meter_;
    IngressProgram count_;
    std::optional<IngressProgram> empty_;
  };

  // Receives `count` copies of the frame on a NIC as its driver would, by way of the program on its
  // XDP hook if it has one. With `senders` the inner sender of each is drawn from so many
  // (frame.h). On the measured core; returns how long that was busy, in ns.
  double receive(const test::Bytes& frame, std::uint32_t senders, const Place& nic,
                 std::uint32_t count);
  // The same by the driver itself: the frames come out of the far end of the cable at `from`.
  double transmit(const test::Bytes& frame, std::uint32_t senders, const Place& from,
                  std::uint32_t count);

  [[nodiscard]] ProgramStats empty_program() const;

 private:
  struct Destroy {
    void operator()(bench_meter_bpf* skeleton) const;
  };

  void set_frame(const test::Bytes& frame, std::uint32_t senders, std::uint32_t ifindex);

  std::unique_ptr<bench_meter_bpf, Destroy> skeleton_;
};

// While it lives the kernel measures each run of each program.
class StatsOn {
 public:
  StatsOn();

 private:
  UniqueFd fd_;
};

// Of each loaded program that uses one of the maps pinned in a folder. Throws if there is none.
[[nodiscard]] std::vector<ProgramStats> stats_of_users(const std::string& folder);

}  // namespace vtepd::bench
