// SPDX-License-Identifier: GPL-2.0-only
#include "support/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <poll.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

// struct virtio_net_hdr; linux/virtio_net.h is no C++.
struct VnetHeader {
  std::uint8_t flags;
  std::uint8_t gso_type;
  std::uint16_t header_length;
  std::uint16_t gso_size;
  std::uint16_t checksum_start;
  std::uint16_t checksum_offset;
};

constexpr std::size_t kVnetHeader = sizeof(VnetHeader);
constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::size_t kLargestFrame = 1U << 17U;
constexpr int kReceiveBuffer = 64 << 20;
constexpr std::size_t kVxlanHeaders = 50;

// In the namespace, bound to the interface; `protocol` 0 receives nothing.
int open_packet_socket(const NetNamespace& netns, const std::string& interface,
                       std::uint16_t protocol, bool vnet_header) {
  int fd = -1;
  netns.inside([&] {
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(protocol);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    if (vnet_header) {
      setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on);
    }
    if (address.sll_ifindex == 0 ||
        bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(fd);
      throw std::runtime_error("packet socket on " + interface + " in " + netns.name());
    }
  });
  return fd;
}

void put32(std::ofstream& file, std::uint32_t value) {
  file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

std::uint16_t Frame::u16(std::size_t offset) const {
  if (offset + 2 > bytes.size()) {
    return 0;
  }
  return static_cast<std::uint16_t>(bytes[offset] << 8U | bytes[offset + 1]);
}

std::uint32_t Frame::u32(std::size_t offset) const {
  return static_cast<std::uint32_t>(u16(offset)) << 16U | u16(offset + 2);
}

bool Frame::is_vxlan(std::uint16_t port) const {
  return bytes.size() >= kVxlanHeaders && ether_type() == ETH_P_IP && bytes[14] == 0x45 &&
         bytes[23] == IPPROTO_UDP && u16(36) == port;
}

Bytes Frame::inner() const {
  if (bytes.size() < kVxlanHeaders) {
    return {};
  }
  return {bytes.begin() + kVxlanHeaders, bytes.end()};
}

std::string Frame::hex() const {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 128); ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
    text += i % 2 == 1 ? " " : "";
  }
  return text + (outgoing ? " out" : " in") + ", " + std::to_string(length) + " bytes";
}

Capture::Capture(const NetNamespace& netns, std::string interface, std::size_t snap)
    : Capture({Tap{.netns = &netns, .interface = std::move(interface)}}, snap) {}

Capture::Capture(const std::vector<Tap>& taps, std::size_t snap) {
  for (const Tap& tap : taps) {
    sources_.push_back({open_packet_socket(*tap.netns, tap.interface, ETH_P_ALL, true), tap.sees});
  }
  reader_ = std::thread([this, snap] { read_loop(snap); });
}

Capture::~Capture() {
  stop();
  for (const Source& source : sources_) {
    close(source.socket);
  }
}

void Capture::stop() {
  stopping_ = true;
  if (reader_.joinable()) {
    reader_.join();
  }
}

void Capture::read_loop(std::size_t snap) {
  Bytes buffer(kLargestFrame);
  std::vector<pollfd> waits;
  for (const Source& source : sources_) {
    waits.push_back({source.socket, POLLIN, 0});
  }
  while (true) {
    if (poll(waits.data(), waits.size(), 20) <= 0) {
      if (stopping_) {
        return;
      }
      continue;
    }
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents != 0) {
        take(sources_[i], snap, buffer);
      }
    }
  }
}

void Capture::take(const Source& source, std::size_t snap, Bytes& buffer) {
  sockaddr_ll from{};
  socklen_t from_size = sizeof from;
  const ssize_t count = recvfrom(source.socket, buffer.data(), buffer.size(), MSG_TRUNC,
                                 reinterpret_cast<sockaddr*>(&from), &from_size);
  const bool sent = from.sll_pkttype == PACKET_OUTGOING;
  if (count < static_cast<ssize_t>(kVnetHeader) || (source.sees != Tap::Sees::Both && !sent)) {
    return;
  }
  VnetHeader header{};
  std::memcpy(&header, buffer.data(), sizeof header);
  Frame frame;
  frame.length = static_cast<std::size_t>(count) - kVnetHeader;
  const std::size_t kept = std::min({frame.length, snap, buffer.size() - kVnetHeader});
  const auto begin = buffer.begin() + kVnetHeader;
  frame.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(kept));
  frame.outgoing = sent && source.sees != Tap::Sees::SentAsReceived;
  frame.gso_size = header.gso_type == 0 ? 0 : header.gso_size;
  frame.checksum_pending = (header.flags & kNeedsChecksum) != 0;
  frame.time = Clock::now();
  const std::lock_guard lock(mutex_);
  frames_.push_back(std::move(frame));
}

std::vector<Frame> Capture::frames() const {
  const std::lock_guard lock(mutex_);
  return frames_;
}

std::vector<Frame> Capture::frames(const std::function<bool(const Frame&)>& wanted) const {
  const std::lock_guard lock(mutex_);
  std::vector<Frame> found;
  std::copy_if(frames_.begin(), frames_.end(), std::back_inserter(found), wanted);
  return found;
}

std::size_t Capture::count(const std::function<bool(const Frame&)>& wanted) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(frames_.begin(), frames_.end(), wanted));
}

bool Capture::complete() const {
  for (const Source& source : sources_) {
    tpacket_stats stats{};
    socklen_t size = sizeof stats;
    if (getsockopt(source.socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
      lost_ += stats.tp_drops;  // the kernel resets it with every reading
    }
  }
  return lost_ == 0;
}

void Capture::clear() {
  const std::lock_guard lock(mutex_);
  frames_.clear();
}

void Capture::write_pcap(const std::string& path) const {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 0x40000U, 1U}) {
    put32(file, word);
  }
  const std::lock_guard lock(mutex_);
  for (const Frame& frame : frames_) {
    put32(file, 0);
    put32(file, 0);
    put32(file, static_cast<std::uint32_t>(frame.bytes.size()));
    put32(file, static_cast<std::uint32_t>(frame.length));
    file.write(reinterpret_cast<const char*>(frame.bytes.data()),
               static_cast<std::streamsize>(frame.bytes.size()));
  }
}

RawSender::RawSender(const NetNamespace& netns, const std::string& interface)
    : socket_(open_packet_socket(netns, interface, 0, false)) {}

RawSender::~RawSender() {
  close(socket_);
}

void RawSender::send(const Bytes& frame) const {
  if (::send(socket_, frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) {
    throw std::runtime_error(std::string("raw send: ") + std::strerror(errno));
  }
}

}  // namespace vtepd::test
