// SPDX-License-Identifier: GPL-2.0-only
#include "dataplane/bench.h"
#include "vtepd/reasons.h"

#include <algorithm>
#include <array>

#include <bpf/bpf.h>
#include <poll.h>

namespace vtepd::test {

namespace {

using Events = DataplaneTest;

// A VXLAN frame in VNI 42 from 192.0.2.9, which is no member, to our VTEP 192.0.2.1. It comes in on
// the loopback, as BPF_PROG_TEST_RUN has it by default, whose MAC is zero.
std::vector<std::uint8_t> frame_of_a_stranger() {
  std::vector<std::uint8_t> frame{
      0,    0,    0,   0,   0, 0, 2,    0,    0,    0,    0, 2,  8,   0,  // Ethernet
      0x45, 0,    0,   110, 0, 0, 0,    0,    64,   17,   0, 0,  192, 0,
      2,    9,    192, 0,   2, 1, 0xc0, 0,    0x12, 0xb5, 0, 90, 0,   0,   // UDP
      8,    0,    0,   0,   0, 0, 42,   0,                                 // VXLAN
      2,    0x42, 10,  0,   0, 2, 2,    0x42, 10,   0,    0, 9,  8,   0};  // inner Ethernet
  std::uint32_t sum = 0;
  for (std::size_t i = 14; i < 34; i += 2) {
    sum += static_cast<std::uint32_t>(frame[i] << 8U | frame[i + 1]);
  }
  sum = ~((sum & 0xffffU) + (sum >> 16U));
  frame[24] = static_cast<std::uint8_t>(sum >> 8U);
  frame[25] = static_cast<std::uint8_t>(sum);
  frame.resize(14 + 110);
  return frame;
}

int run_from_underlay(const BpfDataplane& dataplane) {
  const auto frame = frame_of_a_stranger();
  std::array<std::uint8_t, 512> out{};
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_out = out.data(),
              .data_size_in = static_cast<__u32>(frame.size()), .data_size_out = out.size(),
              .repeat = 1);
  EXPECT_EQ(bpf_prog_test_run_opts(dataplane.program_fd("vtep_from_ul"), &run), 0);
  return static_cast<int>(run.retval);
}

}  // namespace

TEST_F(Events, StrangerRaisesOneAndIsCounted) {
  const auto dataplane = must(BpfDataplane::open(options()));
  fill(*dataplane, small_state());

  EXPECT_EQ(run_from_underlay(*dataplane), 2);  // TC_ACT_SHOT

  pollfd ready{.fd = dataplane->events_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&ready, 1, 1000), 1);
  std::vector<DataplaneEvent> events;
  dataplane->consume([&](const DataplaneEvent& event) { events.push_back(event); });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].reason, static_cast<std::uint32_t>(VTEP_NOT_MEMBER));
  EXPECT_EQ(events[0].vni, Vni{42});
  EXPECT_EQ(events[0].address, IpAddress::v4(0xc0000209));

  const auto counters = must(dataplane->counters());
  const auto counted =
      std::ranges::find(counters, std::uint32_t{VTEP_NOT_MEMBER}, &ReasonCount::reason);
  ASSERT_NE(counted, counters.end());
  EXPECT_EQ(counted->packets, 1U);
  EXPECT_EQ(counted->vni, Vni{42});
}

TEST_F(Events, CountersGoWithTheirVni) {
  const auto dataplane = must(BpfDataplane::open(options()));
  fill(*dataplane, small_state());
  run_from_underlay(*dataplane);
  ASSERT_FALSE(must(dataplane->counters()).empty());

  fill(*dataplane, {});

  EXPECT_TRUE(must(dataplane->counters()).empty());
}

TEST_F(Events, ExceptionOfTheTakerComesOutOfConsume) {
  const auto dataplane = must(BpfDataplane::open(options()));
  fill(*dataplane, small_state());
  run_from_underlay(*dataplane);

  EXPECT_THROW(dataplane->consume([](const DataplaneEvent&) { throw std::runtime_error("x"); }),
               std::runtime_error);
}

}  // namespace vtepd::test
