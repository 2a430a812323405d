// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"
#include "support/packet.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vtepd::test {

// A frame as an interface saw it. `length` is the whole of it, `bytes` at most the snap length.
struct Frame {
  Bytes bytes{};
  std::size_t length = 0;
  bool outgoing = false;
  std::uint16_t gso_size = 0;  // 0: not to be segmented
  bool checksum_pending = false;
  Clock::time_point time{};

  [[nodiscard]] std::uint16_t u16(std::size_t offset) const;
  [[nodiscard]] std::uint32_t u32(std::size_t offset) const;

  [[nodiscard]] std::uint16_t ether_type() const { return u16(12); }

  // IPv4 without options, UDP, to this port.
  [[nodiscard]] bool is_vxlan(std::uint16_t port = 4789) const;

  [[nodiscard]] std::uint32_t vni() const { return u32(46) >> 8U; }

  [[nodiscard]] std::uint16_t source_port() const { return u16(34); }

  [[nodiscard]] Bytes inner() const;  // what follows the VXLAN header
  [[nodiscard]] std::string hex() const;
};

// Where a capture looks: at both directions of an interface, or only at what that sends, told as
// sent or as received.
struct Tap {
  enum class Sees { Both, Sent, SentAsReceived };

  const NetNamespace* netns = nullptr;
  std::string interface {};
  Sees sees = Sees::Both;
};

// Records every frame at its taps from construction to stop().
class Capture {
 public:
  Capture(const NetNamespace& netns, std::string interface, std::size_t snap = 2048);
  explicit Capture(const std::vector<Tap>& taps, std::size_t snap = 2048);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  [[nodiscard]] std::vector<Frame> frames() const;
  [[nodiscard]] std::vector<Frame> frames(const std::function<bool(const Frame&)>& wanted) const;
  [[nodiscard]] std::size_t count(const std::function<bool(const Frame&)>& wanted) const;
  // The kernel dropped nothing: an absence in this capture means something.
  [[nodiscard]] bool complete() const;
  void clear();
  void stop();
  void write_pcap(const std::string& path) const;

 private:
  struct Source {
    int socket = -1;
    Tap::Sees sees = Tap::Sees::Both;
  };

  void read_loop(std::size_t snap);
  void take(const Source& source, std::size_t snap, Bytes& buffer);

  std::vector<Source> sources_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<Frame> frames_;
  std::thread reader_;
  mutable std::uint64_t lost_ = 0;
};

// Puts frames on an interface as they are.
class RawSender {
 public:
  RawSender(const NetNamespace& netns, const std::string& interface);
  ~RawSender();
  RawSender(const RawSender&) = delete;
  RawSender& operator=(const RawSender&) = delete;

  void send(const Bytes& frame) const;

 private:
  int socket_ = -1;
};

}  // namespace vtepd::test
