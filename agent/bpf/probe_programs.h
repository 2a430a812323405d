// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <span>
#include <vector>

#include <linux/bpf.h>

namespace vtepd {

// Instructions as the kernel takes them; only those that the probes are made of.
[[nodiscard]] constexpr bpf_insn move(std::uint8_t to, std::int32_t value) {
  bpf_insn instruction{};
  instruction.code = BPF_ALU64 | BPF_MOV | BPF_K;
  instruction.dst_reg = to & 0xfU;
  instruction.imm = value;
  return instruction;
}

[[nodiscard]] constexpr bpf_insn call(std::int32_t helper) {
  return {BPF_JMP | BPF_CALL, 0, 0, 0, helper};
}

[[nodiscard]] constexpr bpf_insn exit_program() {
  return {BPF_JMP | BPF_EXIT, 0, 0, 0, 0};
}

// bpf_skb_adjust_room(skb, grow, BPF_ADJ_ROOM_MAC, flags), whose result is returned.
[[nodiscard]] std::vector<bpf_insn> adjust_room_program(std::int32_t grow, std::uint64_t flags);

// `flags` as of bpf(2), "BPF_F_XDP_HAS_FRAGS".
Result<UniqueFd> load_program(std::span<const bpf_insn> program,
                              bpf_prog_type type = BPF_PROG_TYPE_SCHED_CLS,
                              std::uint32_t flags = 0);
// What the program returns on an Ethernet, IPv4 and UDP frame of 128 bytes.
Result<std::int32_t> run_program(int program);

}  // namespace vtepd
