// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/probe_programs.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include <bpf/bpf.h>

namespace vtepd {

namespace {

constexpr std::size_t kFrameLength = 128;
using Frame = std::array<std::uint8_t, kFrameLength>;

// 02:00:00:00:00:02 to ...:01, 192.0.2.1 to 192.0.2.2, UDP 49152 to 4789.
Frame make_frame() {
  constexpr std::array<std::uint8_t, 42> kHeaders{
      0x02, 0, 0, 0,   0,   0x01, 0x02, 0, 0,    0,    0,    0x02, 0x08, 0x00,         // Ethernet
      0x45, 0, 0, 114, 0,   0,    0x40, 0, 64,   17,   0xb6, 0x75,                     // IPv4
      192,  0, 2, 1,   192, 0,    2,    2, 0xc0, 0x00, 0x12, 0xb5, 0,    94,   0, 0};  // UDP
  Frame frame{};
  std::copy(kHeaders.begin(), kHeaders.end(), frame.begin());
  return frame;
}

}  // namespace

std::vector<bpf_insn> adjust_room_program(std::int32_t grow, std::uint64_t flags) {
  // r1 holds the frame already.
  const auto low = static_cast<std::int32_t>(flags & 0xffffffffU);
  const auto high = static_cast<std::int32_t>(flags >> 32U);
  return {move(BPF_REG_2, grow),
          move(BPF_REG_3, BPF_ADJ_ROOM_MAC),
          {BPF_LD | BPF_DW | BPF_IMM, BPF_REG_4, 0, 0, low},
          {0, 0, 0, 0, high},
          call(BPF_FUNC_skb_adjust_room),
          exit_program()};
}

Result<UniqueFd> load_program(std::span<const bpf_insn> program, bpf_prog_type type,
                              std::uint32_t flags) {
  LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = flags);
  UniqueFd fd(bpf_prog_load(type, "vtep_probe", "GPL", program.data(), program.size(), &options));
  if (!fd.valid()) {
    return fail_errno(errno, "load a probe");
  }
  return fd;
}

Result<std::int32_t> run_program(int program) {
  const Frame in = make_frame();
  std::array<std::uint8_t, 4 * kFrameLength> out{};
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in.data(), .data_out = out.data(),
              .data_size_in = in.size(), .data_size_out = out.size(), .repeat = 1);
  if (bpf_prog_test_run_opts(program, &options) != 0) {
    return fail_errno(errno, "run a probe");
  }
  return static_cast<std::int32_t>(options.retval);
}

}  // namespace vtepd
