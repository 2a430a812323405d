// SPDX-License-Identifier: GPL-2.0-only
#include "bench/requests.h"
#include "bench/streams.h"
#include "bench/works.h"

#include <stdexcept>

#include <sys/socket.h>

namespace vtepd::bench {

namespace {

Sample stream(const End& from, const End& to, int streams, double seconds) {
  const StreamResult result =
      run_streams({.from = from, .to = to, .streams = streams, .seconds = seconds});
  return {.value = result.bits_per_second / 1e6, .extra = {{"cpu_s_per_gb", result.cpu_s_per_gb}}};
}

Sample round_trip(const End& from, const End& to, int type, double seconds) {
  const RoundTrips result = run_round_trips(from, to, type, seconds);
  return {.value = result.p50_us, .extra = {{"p99", result.p99_us}}};
}

// While it lives, `left` and `beside` send to each other by way of the router on the other host.
class ByRouter {
 public:
  explicit ByRouter(const Ends& ends) : ends_(ends) { change("add"); }

  ~ByRouter() {
    try {
      change("del");
    } catch (const std::exception&) {
      return;  // the next use of these routes says so
    }
  }

  ByRouter(const ByRouter&) = delete;
  ByRouter& operator=(const ByRouter&) = delete;

 private:
  void change(const std::string& verb) const {
    const std::string by = " via " + ends_.router->address + " dev eth0";
    ends_.left.netns->ip("route " + verb + " " + ends_.beside->address + by);
    ends_.beside->netns->ip("route " + verb + " " + ends_.left.address + by);
  }

  const Ends& ends_;
};

std::vector<Work> stream_works(double seconds) {
  const std::string unit = "Mbit/s";
  const auto between_hosts = [seconds](int streams) {
    return [=](Subject& subject, std::uint32_t) {
      return stream(subject.ends().left, subject.ends().right, streams, seconds);
    };
  };
  const auto as_on_a_wire = [seconds](int streams) {
    return [=](Subject& subject, std::uint32_t) {
      const WireFrames wire(subject);
      return stream(subject.ends().left, subject.ends().right, streams, seconds);
    };
  };
  return {{"tcp_1", unit, all_subjects(), between_hosts(1)},
          {"tcp_4", unit, all_subjects(), between_hosts(4)},
          {"tcp_1_wire", unit, all_subjects(), as_on_a_wire(1)},
          {"tcp_4_wire", unit, all_subjects(), as_on_a_wire(4)},
          {"same_host_tcp", unit, all_subjects(),
           [seconds](Subject& subject, std::uint32_t) {
             return stream(subject.ends().left, *subject.ends().beside, 1, seconds);
           }},
          {"forwarding_tcp", unit, all_subjects_but({"bare", "routed"}),
           [seconds](Subject& subject, std::uint32_t) {
             const ByRouter routes(subject.ends());
             return stream(subject.ends().left, *subject.ends().beside, 1, seconds);
           }}};
}

}  // namespace

std::vector<Work> traffic_works(const Effort& effort) {
  const double seconds = effort.seconds;
  std::vector<Work> works{
      {"udp_64", "packets/s", all_subjects(), [seconds](Subject& subject, std::uint32_t) {
         const FloodResult result = run_flood(subject.ends().left, subject.ends().right, seconds);
         return Sample{.value = result.packets_per_second, .extra = {{"loss", result.loss}}};
       }}};
  for (Work& work : stream_works(seconds)) {
    works.push_back(std::move(work));
  }
  return works;
}

std::vector<Work> request_works(const Effort& effort) {
  const double seconds = effort.seconds;
  const auto between_hosts = [seconds](int type) {
    return [=](Subject& subject, std::uint32_t) {
      return round_trip(subject.ends().left, subject.ends().right, type, seconds);
    };
  };
  return {{"tcp_rr", "us", all_subjects(), between_hosts(SOCK_STREAM)},
          {"udp_rr", "us", all_subjects(), between_hosts(SOCK_DGRAM)},
          {"tcp_crr", "connections/s", all_subjects(),
           [seconds](Subject& subject, std::uint32_t) {
             const double rate =
                 run_connections(subject.ends().left, subject.ends().right, seconds);
             return Sample{.value = rate, .extra = {}};
           }},
          {"same_host_rr", "us", all_subjects(), [seconds](Subject& subject, std::uint32_t) {
             return round_trip(subject.ends().left, *subject.ends().beside, SOCK_STREAM, seconds);
           }}};
}

}  // namespace vtepd::bench
