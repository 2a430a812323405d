// SPDX-License-Identifier: GPL-2.0-only
// Many requests in few datagrams. The kernel carries them out in order and answers only those that
// fail; the last one of a datagram asks for an acknowledgement, which says that all were seen.
#include "netlink/rtnl_answer.h"
#include "netlink/rtnl_socket.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

namespace vtepd::netlink {

namespace {

// The kernel refuses datagrams above the socket's send buffer, which libnl makes 64 KiB.
constexpr std::size_t kDatagramBytes = std::size_t{48} * 1024;
// Room for an answer to each request of one datagram.
constexpr int kAnswerBytes = 8 << 20;

}  // namespace

struct Socket::Batch {
  Socket& socket;
  std::vector<Message>& messages;
  const OnBatchReply& on_reply;
  std::vector<Refused> refused;
  std::vector<std::uint8_t> datagram;
  std::size_t first = 0;   // of `messages`, in this datagram
  std::uint32_t base = 0;  // sequence number of that one
  nlmsghdr* last = nullptr;

  bool append(std::size_t index);
  Result<void> flush();
  Result<void> read_answers(std::uint32_t last_sequence);
};

// False: it does not fit into this datagram any more.
bool Socket::Batch::append(std::size_t index) {
  const nlmsghdr* header = nlmsg_hdr(messages.at(index).raw());
  const std::size_t size = NLMSG_ALIGN(header->nlmsg_len);
  if (!datagram.empty() && datagram.size() + size > kDatagramBytes) {
    return false;
  }
  const std::size_t at = datagram.size();
  datagram.resize(at + size);
  std::memcpy(datagram.data() + at, header, header->nlmsg_len);
  last = reinterpret_cast<nlmsghdr*>(datagram.data() + at);
  last->nlmsg_seq = nl_socket_use_seq(socket.socket_.get());
  if (at == 0) {
    first = index;
    base = last->nlmsg_seq;
  }
  last->nlmsg_pid = nl_socket_get_local_port(socket.socket_.get());
  last->nlmsg_flags |= NLM_F_REQUEST;
  return true;
}

Result<void> Socket::Batch::flush() {
  if (datagram.empty() || last == nullptr) {
    return {};
  }
  last->nlmsg_flags |= NLM_F_ACK;
  const std::uint32_t last_sequence = last->nlmsg_seq;
  if (::send(socket.fd(), datagram.data(), datagram.size(), 0) < 0) {
    return fail_errno(errno, "send netlink requests");
  }
  auto read = read_answers(last_sequence);
  datagram.clear();
  return read;
}

Result<void> Socket::Batch::read_answers(std::uint32_t last_sequence) {
  while (true) {
    const Datagram answers = read_datagram(socket.socket_.get());
    if (answers.size < 0) {
      return fail_errno(-answers.size, "read the answers to netlink requests");
    }
    int left = answers.size;
    for (auto* at = reinterpret_cast<nlmsghdr*>(answers.buffer.get()); nlmsg_ok(at, left) != 0;
         at = nlmsg_next(at, &left)) {
      const std::uint32_t place = at->nlmsg_seq - base;
      if (place > last_sequence - base) {
        continue;  // the late answer to a request that was given up
      }
      if (at->nlmsg_type != NLMSG_ERROR) {
        if (on_reply) {
          on_reply(first + place, Reply{at->nlmsg_type, payload_of(at)});
        }
        continue;
      }
      if (Answer answer = parse_answer(at); !answer.ok()) {
        refused.push_back({first + place, std::move(answer)});
      }
      if (at->nlmsg_seq == last_sequence) {
        return {};
      }
    }
  }
}

Result<std::vector<Socket::Refused>> Socket::batch(std::vector<Message>& messages,
                                                   const OnBatchReply& on_reply) {
  setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kAnswerBytes, sizeof kAnswerBytes);
  Batch batch{.socket = *this, .messages = messages, .on_reply = on_reply};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].complete()) {
      return fail(ErrorKind::Internal, "a netlink request does not fit into its message");
    }
    if (!batch.append(i)) {
      if (auto sent = batch.flush(); !sent) {
        return fail(sent.error());
      }
      (void)batch.append(i);
    }
  }
  if (auto sent = batch.flush(); !sent) {
    return fail(sent.error());
  }
  return std::move(batch.refused);
}

}  // namespace vtepd::netlink
