// SPDX-License-Identifier: GPL-2.0-only
#include "bench/machine.h"

#include "bench/core_time.h"

#include <array>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include <sys/sysinfo.h>
#include <sys/utsname.h>

namespace vtepd::bench {

namespace {

// What follows the first `key` at the beginning of a line of a file.
std::string line_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) {
      const auto begin = line.find_first_not_of(" \t:=\"", key.size());
      const auto end = line.find_last_not_of(" \t\"");
      return begin == std::string::npos ? "" : line.substr(begin, end + 1 - begin);
    }
  }
  return "";
}

std::string now() {
  std::array<char, 32> text{};
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

}  // namespace

Json describe_machine() {
  utsname kernel{};
  uname(&kernel);

  struct sysinfo memory {};

  sysinfo(&memory);
  return {{"date", now()},
          {"cpu", line_of("/proc/cpuinfo", "model name")},
          {"cores", std::thread::hardware_concurrency()},
          {"measured_core", measured_core()},
          {"memory_mib", (memory.totalram * memory.mem_unit) >> 20U},
          {"kernel", std::string(kernel.release) + " " + kernel.machine},
          {"distribution", line_of("/etc/os-release", "PRETTY_NAME")},
          {"hypervisor",
           !line_of("/proc/cpuinfo", "hypervisor").empty() ||
               line_of("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos},
          {"compiler", "GCC " __VERSION__},
          {"underlay", "two network namespaces joined by a veth pair, MTU 1500, GRO on"}};
}

}  // namespace vtepd::bench
