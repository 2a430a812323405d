// SPDX-License-Identifier: GPL-2.0-only
#include "bench/plan.h"

#include "bench/catalogue.h"
#include "bench/control_works.h"
#include "bench/machine.h"
#include "bench/runner.h"

#include <iostream>
#include <memory>

namespace vtepd::bench {

namespace {

constexpr std::uint32_t kFew = 10;
constexpr std::uint32_t kMany = 1000000;

struct Bed {
  std::unique_ptr<Subject> subject;
  std::uint32_t entries = 0;
};

bool is_wanted(const std::set<std::string>& wanted, const std::string& name) {
  return wanted.empty() || wanted.contains(name);
}

// Filling the kernel's own tables takes half a minute a host.
bool has_many(const std::string& subject, bool quick) {
  return quick ? subject == "vtepd-tc" : subject != "bare" && subject != "routed";
}

class Benchmark {
 public:
  explicit Benchmark(const Plan& plan)
      : plan_(plan),
        effort_{.frames = plan.quick ? 60000U : 120000U, .seconds = plan.quick ? 0.25 : 0.35} {
    report_.bed = describe_machine();
    report_.bed["plan"] = plan.quick ? "quick" : "full";
  }

  Report run() {
    lay_out();
    Runner runner(report_, plan_.quick ? 3 : 11);
    add(runner, packet_works(meter_, effort_, Spread::One), all_beds());
    add(runner, packet_works(meter_, effort_, Spread::Uniform), uniform_beds());
    add(runner, traffic_works(effort_), all_beds());
    add(runner, request_works(effort_), all_beds());
    runner.run();
    // Their daemons walk over a million entries every few seconds.
    beds_.clear();
    measure_control();
    return std::move(report_);
  }

 private:
  void lay_out() {
    for (const std::string& name : subject_names()) {
      if (!is_wanted(plan_.subjects, name)) {
        continue;
      }
      add_bed(name, kFew);
      if (has_many(name, plan_.quick)) {
        add_bed(name, kMany);
      }
    }
  }

  void add_bed(const std::string& name, std::uint32_t entries) {
    std::cerr << "    laying out " << name << " with " << entries << " entries" << std::endl;
    try {
      beds_.push_back({make_subject(name, entries), entries});
    } catch (const std::exception& problem) {
      report_.failures.push_back(name + " with " + std::to_string(entries) +
                                 " entries cannot be laid out: " + problem.what());
      std::cerr << "error: " << report_.failures.back() << std::endl;
    }
  }

  // Not measured on the beds.
  void measure_control() {
    std::set<std::string> wanted;
    for (const char* name :
         {"snapshot_to_maps", "event_to_map", "agent_memory", "kernel_table_load"}) {
      if (is_wanted(plan_.works, name)) {
        wanted.insert(name);
      }
    }
    if (wanted.empty() || !is_wanted(plan_.subjects, "vtepd-tc")) {
      return;
    }
    ControlPlan plan{.endpoints = {1000, 100000}, .rounds = 1, .events = 300, .event_pause_ms = 2};
    if (!plan_.quick) {
      // Longer than the daemon takes from one look at its tables to the next.
      plan = {.endpoints = {1000, 100000, kMany}, .rounds = 3, .events = 3000, .event_pause_ms = 4};
    }
    measure_control_plane(plan, wanted, report_);
  }

  void add(Runner& runner, const std::vector<Work>& works,
           const std::vector<Contestant>& contestants) const {
    for (const Work& work : works) {
      if (is_wanted(plan_.works, work.name)) {
        runner.add(work, contestants);
      }
    }
  }

  [[nodiscard]] std::vector<Contestant> all_beds() const {
    std::vector<Contestant> out;
    for (const Bed& bed : beds_) {
      out.push_back({bed.subject.get(), bed.entries, bed.entries == kFew ? "" : "_hot"});
    }
    return out;
  }

  [[nodiscard]] std::vector<Contestant> uniform_beds() const {
    std::vector<Contestant> out;
    for (const Bed& bed : beds_) {
      if (bed.entries == kMany) {
        out.push_back({bed.subject.get(), bed.entries, "_uniform"});
      }
    }
    return out;
  }

  Plan plan_;
  Effort effort_;
  Report report_;
  Meter meter_;
  std::vector<Bed> beds_;
};

}  // namespace

Report run_plan(const Plan& plan) {
  return Benchmark(plan).run();
}

const std::set<std::string>& work_names() {
  static const std::set<std::string> names = [] {
    std::set<std::string> out;
    for (const WorkText& work : catalogue()) {
      out.insert(work.name);
    }
    return out;
  }();
  return names;
}

}  // namespace vtepd::bench
