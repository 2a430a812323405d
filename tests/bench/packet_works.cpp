// SPDX-License-Identifier: GPL-2.0-only
#include "bench/core_time.h"
#include "bench/numbering.h"
#include "bench/raw_sender.h"
#include "bench/works.h"
#include "support/capture.h"
#include "support/frames.h"

#include <memory>
#include <stdexcept>

namespace vtepd::bench {

namespace {

constexpr std::size_t kPayload = 64;
constexpr std::uint16_t kSourcePort = 40000;
// Of what was sent, this share may be missing: the machine's own doing, as its backlog is short.
constexpr double kTolerance = 0.001;

test::Bytes frame_to_right(const Subject& subject) {
  const Ends& ends = subject.ends();
  return (test::Ethernet{.dst = test::mac_of(subject.next_hop_mac()),
                         .src = test::mac_of(ends.left.mac)} /
          test::Ipv4{.src = ends.left.address.c_str(), .dst = ends.right.address.c_str()} /
          test::Udp{.src = kSourcePort, .dst = test::kDiscard} / test::Payload{kPayload})
      .bytes();
}

// The frame as it leaves the left host for the right one.
test::Bytes frame_on_cable(const Subject& subject) {
  const test::Bytes frame = frame_to_right(subject);
  const test::Capture cable(subject.left_host(), "eth0");
  const test::RawSender sender(*subject.ends().left.netns, subject.ends().left.interface);
  const auto is_it = [&](const test::Frame& seen) {
    return seen.outgoing && seen.bytes.size() >= frame.size() &&
           std::equal(frame.end() - kPayload, frame.end(), seen.bytes.end() - kPayload);
  };
  for (int tries = 0; tries < 5; ++tries) {
    sender.send(frame);
    if (test::wait_until([&] { return cable.count(is_it) > 0; }, test::Seconds(1))) {
      const test::Frame found = cable.frames(is_it).at(0);
      if (found.checksum_pending) {
        throw std::runtime_error("a datagram leaves its host without its checksum");
      }
      return found.bytes;
    }
  }
  throw std::runtime_error("a datagram does not leave the host of its sender");
}

void expect_arrived(std::uint64_t arrived, std::uint64_t sent) {
  if (static_cast<double>(arrived) < static_cast<double>(sent) * (1 - kTolerance)) {
    throw std::runtime_error(std::to_string(sent) + " frames were sent, " +
                             std::to_string(arrived) + " arrived");
  }
}

Sample cost(double busy_ns, std::uint64_t arrived, std::uint64_t sent) {
  expect_arrived(arrived, sent);
  return {.value = busy_ns / static_cast<double>(arrived), .extra = {}};
}

class Packets {
 public:
  Packets(Meter& meter, const Effort& effort, Spread spread)
      : meter_(meter), effort_(effort), spread_(spread) {}

  Sample receive(const Subject& subject, std::uint32_t entries) {
    const test::Bytes frame = frame_on_cable(subject);
    const std::uint32_t senders = spread_ == Spread::Uniform ? entries : 0;
    const Place nic{&subject.right_host(), "eth0"};
    const Meter::Counter counter(meter_, subject.ends().right.place());
    meter_.receive(frame, senders, nic, effort_.frames / 10);
    const std::uint64_t before = counter.arrived();
    const double busy = meter_.receive(frame, senders, nic, effort_.frames);
    return cost(busy, counter.arrived() - before, effort_.frames);
  }

  // Through the driver, whose program's statistics are kept only then.
  Sample receive_by_driver(const Subject& subject, std::uint32_t entries) {
    const test::Bytes frame = frame_on_cable(subject);
    const std::uint32_t senders = spread_ == Spread::Uniform ? entries : 0;
    const Meter::Counter counter(meter_, subject.ends().right.place(), true);
    const double busy =
        meter_.transmit(frame, senders, Place{&subject.left_host(), "eth0"}, effort_.frames);
    return cost(busy, counter.arrived(), effort_.frames);
  }

  Sample send(const Subject& subject, std::uint32_t entries, bool with_empty = false) {
    const std::uint32_t targets = spread_ == Spread::Uniform ? entries : 0;
    const FrameBurst burst(subject.ends().left.place(), frame_to_right(subject), targets);
    const Meter::Counter counter(meter_, Place{&subject.right_host(), "eth0"}, with_empty);
    burst.send(effort_.frames / 10);
    const std::uint64_t before = counter.arrived();
    const double busy = burst.send(effort_.frames);
    return cost(busy, counter.arrived() - before, effort_.frames);
  }

  // Run time for each frame of the programs so named, less that of an empty one.
  template <typename Send>
  Sample programs(const std::string& maps, const std::set<std::string>& names, Send send_all) {
    const StatsOn stats;
    const Totals before = totals(maps, names);
    send_all();
    const Totals after = totals(maps, names);
    if (after.frames == before.frames || after.runs == before.runs) {
      throw std::runtime_error("none of the programs ran");
    }
    const double frames = static_cast<double>(after.frames - before.frames);
    const double empty = static_cast<double>(after.empty_ns - before.empty_ns) / frames;
    const double runs = static_cast<double>(after.runs - before.runs) / frames;
    const double ran = static_cast<double>(after.run_ns - before.run_ns) / frames;
    return {.value = ran - empty * runs, .extra = {{"empty_program", empty}}};
  }

 private:
  struct Totals {
    std::uint64_t run_ns = 0;
    std::uint64_t runs = 0;
    std::uint64_t empty_ns = 0;
    std::uint64_t frames = 0;  // runs of the empty program
  };

  [[nodiscard]] Totals totals(const std::string& maps, const std::set<std::string>& names) const {
    const ProgramStats empty = meter_.empty_program();
    Totals out{.empty_ns = empty.run_ns, .frames = empty.runs};
    for (const ProgramStats& program : stats_of_users(maps)) {
      if (names.contains(program.name)) {
        out.run_ns += program.run_ns;
        out.runs += program.runs;
      }
    }
    return out;
  }

  Meter& meter_;
  Effort effort_;
  Spread spread_;
};

std::set<std::string> with_tables(Spread spread, const std::set<std::string>& subjects) {
  std::set<std::string> out = subjects;
  if (spread == Spread::Uniform) {
    out.erase("bare");
    out.erase("routed");
    // Its checks of senders are in sets that only the daemon writes.
    out.erase("vtepd-kernel");
  }
  return out;
}

}  // namespace

std::vector<Work> packet_works(Meter& meter, const Effort& effort, Spread spread) {
  const auto packets = std::make_shared<Packets>(meter, effort, spread);
  const std::string unit = "ns/packet";
  const auto receive = [packets](Subject& subject, std::uint32_t entries) {
    return packets->receive(subject, entries);
  };
  const auto send = [packets](Subject& subject, std::uint32_t entries) {
    return packets->send(subject, entries);
  };
  const auto decap = [packets](Subject& subject, std::uint32_t entries) {
    return packets->programs(subject.maps_of_right(),
                             {"vtep_strip", "vtep_from_xdp", "vtep_from_ul"},
                             [&] { packets->receive_by_driver(subject, entries); });
  };
  const auto encap = [packets](Subject& subject, std::uint32_t entries) {
    return packets->programs(subject.maps_of_left(), {"vtep_from_ep"},
                             [&] { packets->send(subject, entries, true); });
  };
  // In xdp mode on a veth the far end's program would run within the sender's cost.
  const auto senders = with_tables(spread, all_subjects_but({"vtepd-xdp"}));
  return {{"receive_64", unit, with_tables(spread, all_subjects()), receive},
          {"send_64", unit, senders, send},
          {"program_decap", unit, {"vtepd-tc", "vtepd-xdp"}, decap},
          {"program_encap", unit, {"vtepd-tc"}, encap}};
}

}  // namespace vtepd::bench
