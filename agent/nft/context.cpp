// SPDX-License-Identifier: GPL-2.0-only
#include "nft/context.h"

#include "base/in_netns.h"

#include <array>
#include <utility>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <netlink/netfilter/nfnl.h>
#include <netlink/netlink.h>
#include <nftables/libnftables.h>

namespace vtepd::nft {

namespace {

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};

// libnftables ends the process where it cannot open its socket, so that is found out first.
Result<void> probe() {
  const std::unique_ptr<nl_sock, FreeSocket> socket(nl_socket_alloc());
  if (!socket) {
    return fail(ErrorKind::Exhausted, "no memory for a netlink socket");
  }
  int error = nfnl_connect(socket.get());
  if (error == 0) {
    error = nfnl_send_simple(socket.get(), NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN, NLM_F_ACK,
                             AF_UNSPEC, 0);
  }
  if (error >= 0) {
    error = nl_wait_for_ack(socket.get());
  }
  if (error < 0) {
    return fail(ErrorKind::Unavailable,
                std::string("this kernel has no nftables (CONFIG_NF_TABLES, module nf_tables): ") +
                    nl_geterror(error));
  }
  return {};
}

ErrorKind kind_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, ErrorKind>, 6> kKinds{
      {{"No such file or directory", ErrorKind::NotFound},
       {"File exists", ErrorKind::Conflict},
       {"Operation not permitted", ErrorKind::Denied},
       {"Operation not supported", ErrorKind::Unavailable},
       {"Cannot allocate memory", ErrorKind::Exhausted},
       {"No buffer space", ErrorKind::Exhausted}}};
  for (const auto& [part, kind] : kKinds) {
    if (text.find(part) != std::string_view::npos) {
      return kind;
    }
  }
  return ErrorKind::Internal;
}

// "internal:0:0-0: Error: <text>\n<the command>\n^^^": the text of the first one.
Error describe(std::string_view operation, std::string_view said) {
  constexpr std::string_view kMark = "Error: ";
  const auto mark = said.find(kMark);
  if (mark != std::string_view::npos) {
    said.remove_prefix(mark + kMark.size());
  }
  said = said.substr(0, said.find('\n'));
  return {kind_of(said), std::string(operation) + ": " + std::string(said)};
}

}  // namespace

void Context::Free::operator()(nft_ctx* context) const {
  nft_ctx_free(context);
}

Result<Context> Context::open() {
  if (auto there = probe(); !there) {
    return fail(there.error());
  }
  Context context(nft_ctx_new(NFT_CTX_DEFAULT));
  nft_ctx* raw = context.context_.get();
  if (raw == nullptr || nft_ctx_buffer_output(raw) != 0 || nft_ctx_buffer_error(raw) != 0) {
    return fail(ErrorKind::Exhausted, "no memory for libnftables");
  }
  nft_ctx_output_set_flags(raw, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL);
  return context;
}

Result<Context> Context::open_in(int netns) {
  return in_netns(netns, [] { return open(); });
}

Result<std::string> Context::list(std::string_view operation, const std::string& command) {
  nft_ctx* raw = context_.get();
  const int failed = nft_run_cmd_from_buffer(raw, command.c_str());
  // Reading a buffer empties it for the next command.
  std::string output = nft_ctx_get_output_buffer(raw);
  const std::string said = nft_ctx_get_error_buffer(raw);
  if (failed != 0) {
    return fail(describe(operation, said));
  }
  return output;
}

Result<void> Context::run(std::string_view operation, const std::string& commands) {
  if (auto done = list(operation, commands); !done) {
    return fail(std::move(done).error());
  }
  return {};
}

}  // namespace vtepd::nft
