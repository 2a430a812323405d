// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/kernel_skb.h"

#include "bpf/probe_programs.h"
#include "vtepd/abi.h"

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

namespace vtepd {

namespace {

constexpr const char* kCast = "bpf_cast_to_kern_ctx";
constexpr std::string_view kSummed = "ip_summed";
constexpr __u32 kSummedBits = 2;
constexpr __u32 kBitsOfByte = 8;

struct FreeTypes {
  void operator()(btf* types) const { btf__free(types); }
};

// First bit of a field, also of one in a nameless member; a bitfield's size with it.
struct Place {
  __u32 bit = 0;
  __u32 bits = 0;
};

std::optional<Place> find_field(const btf* types, __u32 id, std::string_view name, __u32 base) {
  const btf_type* type = btf__type_by_id(types, id);
  if (type == nullptr || !btf_is_composite(type)) {
    return std::nullopt;
  }
  for (__u32 i = 0; i < btf_vlen(type); ++i) {
    const btf_member& member = btf_members(type)[i];
    const std::string_view called = btf__name_by_offset(types, member.name_off);
    const __u32 bit = base + btf_member_bit_offset(type, i);
    if (called == name) {
      return Place{.bit = bit, .bits = btf_member_bitfield_size(type, i)};
    }
    if (!called.empty()) {
      continue;
    }
    if (auto inside = find_field(types, member.type, name, bit)) {
      return inside;
    }
  }
  return std::nullopt;
}

bpf_insn cast_call(const KernelSkb& skb) {
  bpf_insn instruction = call(skb.cast);
  instruction.src_reg = BPF_PSEUDO_KFUNC_CALL;
  return instruction;
}

}  // namespace

Result<KernelSkb> find_kernel_skb() {
  const std::unique_ptr<btf, FreeTypes> types(btf__load_vmlinux_btf());
  if (!types) {
    return fail_errno(errno, "read the kernel's BTF");
  }
  const int cast = btf__find_by_name_kind(types.get(), kCast, BTF_KIND_FUNC);
  if (cast < 0) {
    return fail(ErrorKind::Unavailable, std::string(kCast) + ": the kernel has no such function");
  }
  const int skb = btf__find_by_name_kind(types.get(), "sk_buff", BTF_KIND_STRUCT);
  const auto place =
      skb < 0 ? std::nullopt : find_field(types.get(), static_cast<__u32>(skb), kSummed, 0);
  if (!place || place->bits != kSummedBits) {
    return fail(ErrorKind::Unavailable, "struct sk_buff has no ip_summed as it is known");
  }
  return KernelSkb{.cast = cast,
                   .summed_byte = static_cast<std::uint16_t>(place->bit / kBitsOfByte),
                   .summed_bit = static_cast<std::uint8_t>(place->bit % kBitsOfByte)};
}

std::vector<bpf_insn> kernel_skb_program(const KernelSkb& skb) {
  // r1 holds the frame already.
  return {cast_call(skb),
          {BPF_LDX | BPF_MEM | BPF_B, BPF_REG_0, BPF_REG_0, static_cast<__s16>(skb.summed_byte), 0},
          exit_program()};
}

Result<void> put_kernel_skb(bpf_object* object, const std::optional<KernelSkb>& skb) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    const bpf_insn* first = bpf_program__insns(program);
    std::vector<bpf_insn> code(first, first + bpf_program__insn_cnt(program));
    bool found = false;
    for (bpf_insn& instruction : code) {
      if (instruction.code == (BPF_JMP | BPF_CALL) && instruction.src_reg == 0 &&
          instruction.imm == VTEP_CALL_KERNEL_SKB) {
        instruction = skb ? cast_call(*skb) : move(BPF_REG_0, 0);
        found = true;
      }
    }
    if (!found) {
      continue;
    }
    if (const int rc = bpf_program__set_insns(program, code.data(), code.size()); rc != 0) {
      return fail_errno(-rc, std::string(bpf_program__name(program)) + ": put a call in");
    }
  }
  return {};
}

}  // namespace vtepd
