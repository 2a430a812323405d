// SPDX-License-Identifier: GPL-2.0-only
// vtepd_refuse bpf|netfilter COMMAND [ARGUMENT...]: for the command and all that it starts, the
// kernel looks as if it had been built without it: bpf(2) fails with ENOSYS, or a netlink socket to
// netfilter, which nftables needs, with EPROTONOSUPPORT.
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <unistd.h>

namespace {

constexpr int kUsage = 2;
constexpr int kCannotRun = 127;
constexpr std::uint32_t kFirstArgument = offsetof(seccomp_data, args[0]);
constexpr std::uint32_t kThirdArgument = offsetof(seccomp_data, args[2]);

std::vector<sock_filter> without_bpf() {
  return {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
}

std::vector<sock_filter> without_netfilter() {
  return {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFirstArgument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
}

// Needs CAP_SYS_ADMIN and therefore not no_new_privs, which would change what the command may do.
bool apply(std::vector<sock_filter> code) {
  sock_fprog program{.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc < 3 ? "" : argv[1];
  if (what != "bpf" && what != "netfilter") {
    std::fputs("usage: vtepd_refuse bpf|netfilter COMMAND [ARGUMENT...]\n", stderr);
    return kUsage;
  }
  if (!apply(what == "bpf" ? without_bpf() : without_netfilter())) {
    std::fprintf(stderr, "vtepd_refuse: seccomp: %s\n", std::strerror(errno));
    return kCannotRun;
  }
  execvp(argv[2], argv + 2);
  std::fprintf(stderr, "vtepd_refuse: %s: %s\n", argv[2], std::strerror(errno));
  return kCannotRun;
}
