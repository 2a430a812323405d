// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>

#include <bpf/bpf.h>
#include <unistd.h>

namespace vtepd::test {

// The kernel does not let a test set skb->tc_index: this program does, and goes on to `program`.
class WithTcIndex {
 public:
  WithTcIndex(int program, std::uint16_t tc_index) {
    programs_ = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "next", 4, 4, 1, nullptr);
    const __u32 slot = 0;
    if (programs_ < 0 || bpf_map_update_elem(programs_, &slot, &program, BPF_ANY) != 0) {
      throw std::runtime_error("program array");
    }
    const __s16 field = offsetof(__sk_buff, tc_index);
    const bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K,
         .dst_reg = 2,
         .src_reg = 0,
         .off = 0,
         .imm = tc_index},
        {.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 1, .src_reg = 2, .off = field, .imm = 0},
        {.code = BPF_LD | BPF_DW | BPF_IMM,
         .dst_reg = 2,
         .src_reg = BPF_PSEUDO_MAP_FD,
         .off = 0,
         .imm = programs_},
        {},  // the other half of the one before
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_CALL,
         .dst_reg = 0,
         .src_reg = 0,
         .off = 0,
         .imm = BPF_FUNC_tail_call},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    fd_ = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "preset", "GPL", code, std::size(code), nullptr);
    if (fd_ < 0) {
      throw std::runtime_error("load the program that sets tc_index");
    }
  }

  ~WithTcIndex() {
    close(fd_);
    close(programs_);
  }

  WithTcIndex(const WithTcIndex&) = delete;
  WithTcIndex& operator=(const WithTcIndex&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int programs_ = -1;
  int fd_ = -1;
};

}  // namespace vtepd::test
