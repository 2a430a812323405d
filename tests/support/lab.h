// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/host.h"
#include "support/netns.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace vtepd::test {

struct LabOptions {
  int hosts = 2;
  HostOptions host{};
};

// Hosts on one underlay: a bridge in a namespace of its own, or two devices that the machine has
// (underlay_devices.h); 10.99.0.0/24, host N at 10.99.0.N.
// Every host has its own vtepd and they share one file store. When a test fails, what every host
// shows is printed.
class Lab {
 public:
  explicit Lab(const LabOptions& options = {});
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  [[nodiscard]] const Host& host(int number) const {
    return *hosts_.at(static_cast<std::size_t>(number) - 1);
  }

  [[nodiscard]] Host& host(int number) { return *hosts_.at(static_cast<std::size_t>(number) - 1); }

  Host& add_host(const HostOptions& options = {});

  // Skips the test where the underlay is of given devices: there is no bridge to change.
  [[nodiscard]] const NetNamespace& underlay() const;

  // What is on the cable of host `number`, seen from its far end: `outgoing` goes to the host.
  [[nodiscard]] Capture wire(int number, std::size_t snap = 2048) const;
  // Frames sent by it come out of that cable at the host.
  [[nodiscard]] RawSender cable_to(int number) const;
  // The host gets frames cut to the MTU.
  void cut_segments(int number) const;

  [[nodiscard]] const std::string& store() const { return store_; }

  void start();  // every host's daemon
  // On host 1; every other host is waited for.
  void create_network(const std::string& name, const std::string& subnet,
                      const std::vector<std::string>& options = {});
  [[nodiscard]] std::uint32_t vni(const std::string& network);
  [[nodiscard]] std::string network_id(const std::string& network);

 private:
  [[nodiscard]] const Host& other_than(int number) const;

  NetNamespace underlay_;
  std::string store_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

// Starts the hosts, and makes a container on each of the first two, which know each other:
// 192.168.7.11 and .12 in `blue`.
std::pair<Container*, Container*> attach_neighbours(Lab& lab);

struct Pair {
  explicit Pair(const HostOptions& options = {}, int hosts = 2);

  Lab lab;
  Container* a = nullptr;
  Container* b = nullptr;
};

// Throws unless the host lists the address as a neighbour within a few seconds.
void await_known(const Host& host, const std::string& address);

// The longest time that a thread which only sleeps 5 ms at a time was kept from running: what a
// time limit may be extended by on a busy machine.
class StallMeter {
 public:
  StallMeter();
  ~StallMeter();
  StallMeter(const StallMeter&) = delete;
  StallMeter& operator=(const StallMeter&) = delete;

  [[nodiscard]] Milliseconds worst() const { return Milliseconds(worst_.load()); }

  void reset() { worst_ = 0; }

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> worst_{0};
  std::thread thread_;
};

}  // namespace vtepd::test
