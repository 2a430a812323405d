// SPDX-License-Identifier: GPL-2.0-only
// vtepd_refuse_bpf COMMAND [ARGUMENT...]: for the command and all that it starts, bpf(2) fails with
// ENOSYS, as on a kernel that was built without it.
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <unistd.h>

namespace {

constexpr int kUsage = 2;
constexpr int kCannotRun = 127;

// Needs CAP_SYS_ADMIN and therefore not no_new_privs, which would change what the command may do.
bool refuse_bpf() {
  std::array<sock_filter, 4> code{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog program{.len = code.size(), .filter = code.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: vtepd_refuse_bpf COMMAND [ARGUMENT...]\n", stderr);
    return kUsage;
  }
  if (!refuse_bpf()) {
    std::fprintf(stderr, "vtepd_refuse_bpf: seccomp: %s\n", std::strerror(errno));
    return kCannotRun;
  }
  execvp(argv[1], argv + 1);
  std::fprintf(stderr, "vtepd_refuse_bpf: %s: %s\n", argv[1], std::strerror(errno));
  return kCannotRun;
}
