// SPDX-License-Identifier: GPL-2.0-only
#include "nft/nflog.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <arpa/inet.h>

#include <netlink/msg.h>
#include <netlink/netfilter/log.h>
#include <netlink/netfilter/log_msg.h>
#include <netlink/netfilter/nfnl.h>
#include <netlink/netlink.h>

namespace vtepd::nft {

namespace {

// The loop has other work than a flood of announcements.
constexpr int kDatagramsAtOnce = 512;
constexpr int kBufferBytes = 1 << 20;

struct PutLog {
  void operator()(nfnl_log* log) const { nfnl_log_put(log); }
};

struct PutMessage {
  void operator()(nfnl_log_msg* message) const { nfnl_log_msg_put(message); }
};

LoggedPacket packet_of(const nfnl_log_msg* message) {
  LoggedPacket packet;
  packet.protocol = ntohs(nfnl_log_msg_get_hwproto(message));
  packet.mark = nfnl_log_msg_get_mark(message);
  const auto port = nfnl_log_msg_get_physindev(message);
  packet.ifindex = IfIndex{port != 0 ? port : nfnl_log_msg_get_indev(message)};
  int size = 0;
  if (const auto* mac = nfnl_log_msg_get_hwaddr(message, &size); mac != nullptr && size == 6) {
    std::copy_n(mac, size, packet.source.emplace().bytes.begin());
  }
  const auto* bytes = static_cast<const std::uint8_t*>(nfnl_log_msg_get_payload(message, &size));
  if (bytes != nullptr && size > 0) {
    packet.bytes = {bytes, static_cast<std::size_t>(size)};
  }
  return packet;
}

int on_message(nl_msg* message, void* argument) {
  // Any process may send to a netlink socket.
  if (nlmsg_get_src(message)->nl_pid != 0) {
    return NL_SKIP;
  }
  nfnl_log_msg* parsed = nullptr;
  if (nfnlmsg_log_msg_parse(nlmsg_hdr(message), &parsed) == 0) {
    const std::unique_ptr<nfnl_log_msg, PutMessage> owned(parsed);
    (*static_cast<const LogSocket::OnPacket*>(argument))(packet_of(parsed));
  }
  return NL_OK;
}

Result<void> bind(nl_sock* socket, std::uint16_t group, std::uint32_t bytes) {
  const std::unique_ptr<nfnl_log, PutLog> log(nfnl_log_alloc());
  if (!log) {
    return fail(ErrorKind::Exhausted, "no memory for an NFLOG group");
  }
  nfnl_log_set_group(log.get(), group);
  nfnl_log_set_copy_mode(log.get(), NFNL_LOG_COPY_PACKET);
  nfnl_log_set_copy_range(log.get(), bytes);
  nfnl_log_set_queue_threshold(log.get(), 1);  // at once, not when there are more
  const int error = nfnl_log_create(socket, log.get());
  if (error == 0) {
    return {};
  }
  const std::string what = "NFLOG group " + std::to_string(group) + ": " + nl_geterror(error);
  // The kernel says "not permitted" of a group that another socket has.
  if (std::abs(error) == NLE_BUSY || std::abs(error) == NLE_PERM) {
    return fail(ErrorKind::Conflict, what +
                                         "; does another program listen to it? See "
                                         "/proc/net/netfilter/nfnetlink_log");
  }
  return fail(ErrorKind::Unavailable,
              what + " (CONFIG_NETFILTER_NETLINK_LOG, module nfnetlink_log)");
}

}  // namespace

void LogSocket::Free::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

Result<LogSocket> LogSocket::open(std::uint16_t group, std::uint32_t bytes) {
  LogSocket opened(nl_socket_alloc());
  nl_sock* socket = opened.socket_.get();
  if (socket == nullptr) {
    return fail(ErrorKind::Exhausted, "no memory for a netlink socket");
  }
  if (const int error = nfnl_connect(socket); error != 0) {
    return fail(ErrorKind::Unavailable,
                std::string("connect to the kernel's NFLOG: ") + nl_geterror(error));
  }
  if (auto bound = bind(socket, group, bytes); !bound) {
    return fail(std::move(bound).error());
  }
  // Without effect on what the rules do: a smaller buffer loses events sooner.
  nl_socket_set_buffer_size(socket, kBufferBytes, 0);
  nl_socket_disable_seq_check(socket);
  nl_socket_disable_auto_ack(socket);
  nl_socket_set_nonblocking(socket);
  return opened;
}

int LogSocket::fd() const {
  return nl_socket_get_fd(socket_.get());
}

void LogSocket::receive(const OnPacket& take) {
  nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message,
                      const_cast<OnPacket*>(&take));  // NOLINT: libnl passes it through
  for (int i = 0; i < kDatagramsAtOnce; ++i) {
    const int error = nl_recvmsgs_default(socket_.get());
    // Lost messages (NLE_NOMEM) are told once; behind that there may be more to read.
    if (error != 0 && std::abs(error) != NLE_NOMEM) {
      return;
    }
  }
}

}  // namespace vtepd::nft
