// SPDX-License-Identifier: GPL-2.0-only
#include "nft/context.h"

#include "base/in_netns.h"

#include <array>
#include <utility>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netfilter/nfnl.h>
#include <netlink/netlink.h>
#include <nftables/libnftables.h>

namespace vtepd::nft {

namespace {

int take_generation(nl_msg* message, void* argument) {
  const nlattr* id = nlmsg_find_attr(nlmsg_hdr(message), NFNL_HDRLEN, NFTA_GEN_ID);
  if (id != nullptr && nla_len(id) == sizeof(std::uint32_t)) {
    *static_cast<std::uint32_t*>(argument) = ntohl(nla_get_u32(id));
  }
  return NL_OK;
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

void Context::FreeSocket::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

Result<Context> Context::open() {
  Context context(Netlink{nl_socket_alloc()});
  if (!context.netlink_) {
    return fail(ErrorKind::Exhausted, "no memory for a netlink socket");
  }
  // One reply to each request, and nothing to wait for behind it.
  nl_socket_disable_auto_ack(context.netlink_.get());
  if (const int error = nfnl_connect(context.netlink_.get()); error != 0) {
    return fail(ErrorKind::Unavailable,
                std::string("this kernel has no netfilter (CONFIG_NETFILTER_NETLINK, module "
                            "nfnetlink): ") +
                    nl_geterror(error));
  }
  // libnftables ends the process where it cannot open its socket, so this comes first.
  if (auto there = context.generation(); !there) {
    return fail(std::move(there).error());
  }
  nft_ctx* raw = nft_ctx_new(NFT_CTX_DEFAULT);
  context.context_.reset(raw);
  if (raw == nullptr || nft_ctx_buffer_output(raw) != 0 || nft_ctx_buffer_error(raw) != 0) {
    return fail(ErrorKind::Exhausted, "no memory for libnftables");
  }
  nft_ctx_output_set_flags(raw, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL);
  return context;
}

Result<std::uint32_t> Context::generation() {
  nl_sock* socket = netlink_.get();
  std::uint32_t generation = 0;
  nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_generation, &generation);
  int error = nfnl_send_simple(socket, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN, 0, AF_UNSPEC, 0);
  if (error >= 0) {
    error = nl_recvmsgs_default(socket);
  }
  if (error < 0 || generation == 0) {
    return fail(ErrorKind::Unavailable,
                std::string("this kernel has no nftables (CONFIG_NF_TABLES, module nf_tables): ") +
                    nl_geterror(error));
  }
  return generation;
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
