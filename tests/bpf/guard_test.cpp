// SPDX-License-Identifier: GPL-2.0-only
// The programs that let nothing through.
#include "bed.h"

namespace vtepd::test {
namespace {

TEST(Guard, DropsWhateverComesAndCountsItForThePort) {
  ProgRunner runner(make_config());
  fill_maps(runner);
  const Packet frames[] = {inner_udp(), outer() / inner_udp(), Packet(from_a(kBroadcast)) / Arp{},
                           Packet(from_a(kMacB)) / Payload(3)};

  for (const Program program : {Program::Guard, Program::DropAll}) {
    for (const Packet& frame : frames) {
      const Bytes input = frame.bytes();
      expect_outcome({"", {}, Verdict::Drop, VTEP_GUARD}, input,
                     runner.run(program, input, {.ifindex = devices().port}));
      expect_outcome({"", {}, Verdict::Drop, VTEP_GUARD, {}, 0}, input,
                     runner.run(program, input, {.ifindex = devices().underlay}));
    }
  }
}

}  // namespace
}  // namespace vtepd::test
