// SPDX-License-Identifier: GPL-2.0-only
#include "bench/raw_sender.h"

#include "bench/core_time.h"
#include "bench/numbering.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace vtepd::bench {

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kIpChecksum = 24;
constexpr std::size_t kDestination = 30;
constexpr std::size_t kUdpChecksum = 40;
constexpr int kSendBuffer = 16 << 20;

// The frames of one system call.
class Batch {
 public:
  Batch(const test::Bytes& frame, std::uint32_t targets) : targets_(targets) {
    frames_.assign(kBatch, frame);
    if (targets_ != 0) {
      prepare(frame);
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_.at(i) = {frames_.at(i).data(), frames_.at(i).size()};
      messages_.at(i) = {};
      messages_.at(i).msg_hdr.msg_iov = &parts_.at(i);
      messages_.at(i).msg_hdr.msg_iovlen = 1;
    }
  }

  mmsghdr* next() {
    if (targets_ != 0) {
      for (test::Bytes& frame : frames_) {
        draw(frame);
      }
    }
    return messages_.data();
  }

 private:
  // UDP without checksum, and the IPv4 header's sum without its destination.
  void prepare(const test::Bytes& frame) {
    for (test::Bytes& copy : frames_) {
      copy.at(kUdpChecksum) = 0;
      copy.at(kUdpChecksum + 1) = 0;
    }
    for (std::size_t at = 14; at < 34; at += 2) {
      if (at != kIpChecksum && at < kDestination) {
        sum_ += static_cast<std::uint32_t>(frame.at(at)) << 8U | frame.at(at + 1);
      }
    }
  }

  void draw(test::Bytes& frame) {
    const std::uint32_t address =
        BENCH_FIRST_ADDRESS + static_cast<std::uint32_t>(random_()) % targets_;
    const std::uint32_t wire = htonl(address);
    std::uint32_t sum = sum_ + (address >> 16U) + (address & 0xffffU);
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    const std::uint16_t check = htons(static_cast<std::uint16_t>(~sum));
    frame[0] = 0x02;
    frame[1] = 0x42;
    std::memcpy(&frame[2], &wire, sizeof wire);
    std::memcpy(&frame[kDestination], &wire, sizeof wire);
    std::memcpy(&frame[kIpChecksum], &check, sizeof check);
  }

  std::uint32_t targets_;
  std::uint32_t sum_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<test::Bytes> frames_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

void send_all(int socket, Batch& batch, std::uint32_t count) {
  for (std::uint32_t sent = 0; sent < count;) {
    const auto wanted = std::min<std::uint32_t>(kBatch, count - sent);
    mmsghdr* messages = batch.next();
    for (std::uint32_t done = 0; done < wanted;) {
      const int now = sendmmsg(socket, messages + done, wanted - done, 0);
      if (now <= 0) {
        throw std::runtime_error(std::string("raw socket: ") + std::strerror(errno));
      }
      done += static_cast<std::uint32_t>(now);
    }
    sent += wanted;
  }
}

}  // namespace

FrameBurst::FrameBurst(const Place& from, test::Bytes frame, std::uint32_t targets)
    : socket_(*from.netns, AF_PACKET, SOCK_RAW), frame_(std::move(frame)), targets_(targets) {
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  from.netns->inside(
      [&] { address.sll_ifindex = static_cast<int>(if_nametoindex(from.interface.c_str())); });
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("raw socket on " + from.interface + ": " + std::strerror(errno));
  }
}

double FrameBurst::send(std::uint32_t count) const {
  double busy = 0;
  std::exception_ptr problem;
  std::thread thread([&] {
    try {
      pin_to(measured_core());
      Batch batch(frame_, targets_);
      const CoreTime time(measured_core());
      send_all(socket_.get(), batch, count);
      busy = time.elapsed_ns();
    } catch (...) {
      problem = std::current_exception();
    }
  });
  thread.join();
  if (problem) {
    std::rethrow_exception(problem);
  }
  return busy;
}

}  // namespace vtepd::bench
