// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/rtnl_socket.h"

#include "netlink/rtnl_answer.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

namespace vtepd::netlink {

namespace {

constexpr int kSolNetlink = 270;  // SOL_NETLINK
constexpr int kAnswerSeconds = 5;
constexpr int kDumpTries = 8;
constexpr std::size_t kDumpBytes = std::size_t{32} * 1024;  // the kernel's maximum
// Room for some hundred notifications: what a burst of attachments makes between two turns of the
// loop.
constexpr int kNotificationBytes = 1 << 20;

// Best effort: older kernels lack the options, and everything works without them.
void ask_for_texts(int fd) {
  const int on = 1;
  setsockopt(fd, kSolNetlink, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, kSolNetlink, NETLINK_CAP_ACK, &on, sizeof on);
}

// NLMSG_DONE ends a dump and carries its error, if any.
Answer parse_done(const nlmsghdr* message) {
  const Bytes data = payload_of(message);
  int number = 0;
  if (data.size() >= sizeof number) {
    std::memcpy(&number, data.data(), sizeof number);
  }
  return {number < 0 ? -number : 0, {}};
}

}  // namespace

int errno_of(int libnl_error) {
  switch (std::abs(libnl_error)) {
    case NLE_AGAIN:
      return EAGAIN;
    case NLE_NOMEM:
      return ENOBUFS;
    case NLE_PERM:
    case NLE_NOACCESS:
      return EPERM;
    case NLE_PROTO_MISMATCH:
    case NLE_AF_NOSUPPORT:
      return EAFNOSUPPORT;
    default:
      return EIO;
  }
}

Datagram read_datagram(nl_sock* socket) {
  sockaddr_nl sender{};
  unsigned char* buffer = nullptr;
  errno = 0;
  const int size = nl_recv(socket, &sender, &buffer, nullptr);
  const int number = errno;
  ReceiveBuffer owned(buffer);
  if (size < 0) {
    // libnl folds several causes into NLE_NOMEM; the number tells lost messages from no memory.
    return {nullptr, number == ENOBUFS ? -ENOBUFS : -errno_of(size)};
  }
  if (size == 0) {
    return {nullptr, -EAGAIN};
  }
  if (sender.nl_pid != 0) {
    return {nullptr, 0};  // not from the kernel: any process may send to a netlink socket
  }
  return {std::move(owned), size};
}

Bytes payload_of(const nlmsghdr* message) {
  return {static_cast<const std::uint8_t*>(nlmsg_data(message)),
          static_cast<std::size_t>(nlmsg_datalen(message))};
}

// NLMSG_ERROR, also the acknowledgement: nlmsgerr, the request unless capped, then attributes.
Answer parse_answer(const nlmsghdr* message) {
  Answer answer;
  const Bytes data = payload_of(message);
  if (data.size() < sizeof(int)) {
    return {EPROTO, {}};
  }
  int number = 0;
  std::memcpy(&number, data.data(), sizeof number);
  answer.error = -number;
  if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0 || data.size() < sizeof(nlmsgerr)) {
    return answer;
  }
  nlmsgerr error{};
  std::memcpy(&error, data.data(), sizeof error);
  std::size_t offset = sizeof error;
  if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) {
    offset += NLMSG_ALIGN(error.msg.nlmsg_len) - sizeof(nlmsghdr);
  }
  if (offset < data.size()) {
    answer.text = Attributes(data.subspan(offset)).string(NLMSGERR_ATTR_MSG);
  }
  return answer;
}

Error Answer::describe(std::string_view operation) const {
  if (error == EAGAIN) {
    return {ErrorKind::Unavailable, std::string(operation) + ": the kernel did not answer within " +
                                        std::to_string(kAnswerSeconds) + " s"};
  }
  Error described = Error::from_errno(error, operation);
  if (!text.empty()) {
    described.what += " (kernel: " + text + ")";
  }
  return described;
}

Result<void> Answer::result(std::string_view operation) const {
  if (!ok()) {
    return fail(describe(operation));
  }
  return {};
}

void Socket::Free::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

int Socket::fd() const {
  return nl_socket_get_fd(socket_.get());
}

Result<Socket> Socket::open() {
  Socket socket(nl_socket_alloc());
  if (!socket.socket_) {
    return fail_errno(ENOMEM, "open a netlink socket");
  }
  if (const int error = nl_connect(socket.socket_.get(), NETLINK_ROUTE); error < 0) {
    return fail_errno(errno_of(error), "open a netlink socket");
  }
  ask_for_texts(socket.fd());
  // A dump comes in datagrams as large as what is read at once, and the kernel walks a table from
  // its beginning for each.
  nl_socket_set_msg_buf_size(socket.socket_.get(), kDumpBytes);
  const timeval limit{kAnswerSeconds, 0};
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return socket;
}

Result<Socket> Socket::subscribe(const std::vector<int>& groups) {
  auto socket = open();
  if (!socket) {
    return socket;
  }
  // The privileged form passes net.core.rmem_max, which is far too small by default.
  if (setsockopt(socket->fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kNotificationBytes,
                 sizeof kNotificationBytes) != 0) {
    setsockopt(socket->fd(), SOL_SOCKET, SO_RCVBUF, &kNotificationBytes, sizeof kNotificationBytes);
  }
  for (const int group : groups) {
    if (setsockopt(socket->fd(), kSolNetlink, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0 &&
        errno != EINVAL) {
      return fail_errno(errno, "subscribe to netlink group " + std::to_string(group));
    }
  }
  nl_socket_set_nonblocking(socket->socket_.get());
  return socket;
}

Answer Socket::request(Message& message, const OnReply& on_reply) {
  if (!message.complete()) {
    return {EMSGSIZE, "the request does not fit"};
  }
  // A dump during which the table changed may lack entries. It is read again as a whole, so the
  // callback may see an entry twice; all of ours put what they see under a key.
  Answer answer;
  for (int attempt = 0; attempt < kDumpTries; ++attempt) {
    bool interrupted = false;
    answer = exchange(message, on_reply, interrupted);
    if (!interrupted || !answer.ok()) {
      return answer;
    }
  }
  return {EAGAIN, {}};
}

Answer Socket::exchange(Message& message, const OnReply& on_reply, bool& interrupted) {
  nlmsghdr* header = nlmsg_hdr(message.raw());
  header->nlmsg_seq = NL_AUTO_SEQ;
  header->nlmsg_pid = NL_AUTO_PORT;
  if (const int sent = nl_send_auto(socket_.get(), message.raw()); sent < 0) {
    return {errno_of(sent), {}};
  }
  const auto sequence = header->nlmsg_seq;
  while (true) {
    const Datagram datagram = read_datagram(socket_.get());
    if (datagram.size < 0) {
      return {-datagram.size, {}};
    }
    int left = datagram.size;
    for (auto* at = reinterpret_cast<nlmsghdr*>(datagram.buffer.get()); nlmsg_ok(at, left) != 0;
         at = nlmsg_next(at, &left)) {
      if (at->nlmsg_seq != sequence) {
        continue;  // the late answer to a request that was given up
      }
      interrupted = interrupted || (at->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (at->nlmsg_type == NLMSG_ERROR) {
        return parse_answer(at);
      }
      if (at->nlmsg_type == NLMSG_DONE) {
        return parse_done(at);
      }
      if (on_reply) {
        on_reply(Reply{at->nlmsg_type, payload_of(at)});
      }
    }
  }
}

Answer Socket::receive(const OnReply& on_notification) {
  const Datagram datagram = read_datagram(socket_.get());
  if (datagram.size < 0) {
    return {-datagram.size, {}};
  }
  int left = datagram.size;
  for (auto* at = reinterpret_cast<nlmsghdr*>(datagram.buffer.get()); nlmsg_ok(at, left) != 0;
       at = nlmsg_next(at, &left)) {
    on_notification(Reply{at->nlmsg_type, payload_of(at)});
  }
  return {};
}

}  // namespace vtepd::netlink
