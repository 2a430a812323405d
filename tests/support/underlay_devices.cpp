// SPDX-License-Identifier: GPL-2.0-only
#include "support/underlay_devices.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

using Features = std::map<std::string, std::string>;

// What tests change of a device, as it was.
struct Original {
  std::string mac;
  Features features;
};

std::map<int, Original>& originals() {
  static std::map<int, Original> all;
  return all;
}

// "name: on" or "name: off" of each feature that can be set.
Features features_of(const Outcome& listing) {
  Features features;
  std::istringstream lines(listing.out);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::string value;
    words >> name >> value;
    if (line.find("[fixed]") == std::string::npos && (value == "on" || value == "off")) {
      features[name.substr(0, name.size() - 1)] = value;
    }
  }
  return features;
}

bool exists(const std::string& device) {
  return run({"ip", "link", "show", "dev", device}).ok();
}

bool has_xdp(const std::string& device) {
  return run({"ip", "link", "show", "dev", device}).out.find("xdp") != std::string::npos;
}

void ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  const Outcome outcome = run(words);
  if (!outcome.ok()) {
    throw std::runtime_error("ip link of an underlay device: " + outcome.text());
  }
}

std::string mac_of_link(const NetNamespace& netns) {
  const Outcome shown = netns.exec({"ip", "-o", "link", "show", "dev", "eth0"});
  std::istringstream words(shown.out.substr(std::min(shown.out.size(), shown.out.find("link/"))));
  std::string kind;
  std::string mac;
  words >> kind >> mac;
  return mac;
}

// The name that the device goes by now. The mark is a second one, which stays with it.
std::string find(const std::string& name, const std::string& mark) {
  std::string now;
  const bool found = wait_until(
      [&] {
        now = exists(mark) ? mark : exists(name) ? name : "";
        return !now.empty() && !has_xdp(now);
      },
      Seconds(10));
  if (!found) {
    throw std::runtime_error(now.empty() ? "no device " + name + ", which VTEPD_TEST_UNDERLAY names"
                                         : name + " has an XDP program of somebody else");
  }
  return now;
}

}  // namespace

const std::vector<std::string>& underlay_devices() {
  static const std::vector<std::string> devices = [] {
    std::vector<std::string> names;
    const char* given = std::getenv("VTEPD_TEST_UNDERLAY");
    std::istringstream list(given == nullptr ? "" : given);
    for (std::string name; std::getline(list, name, ',');) {
      names.push_back(name);
    }
    return names;
  }();
  return devices;
}

void take_underlay_device(int number, const NetNamespace& into, int mtu) {
  const std::string& name = underlay_devices().at(static_cast<std::size_t>(number) - 1);
  const std::string mark = name + "-lab";
  const std::string now = find(name, mark);
  if (now != mark) {
    ip({"link", "property", "add", "dev", now, "altname", mark});
  }
  ip({"link", "set", "dev", mark, "down"});
  ip({"link", "set", "dev", mark, "netns", into.name(), "name", "eth0"});
  into.ip("link set eth0 mtu " + std::to_string(mtu));
  originals()[number] = {
      .mac = mac_of_link(into),
      .features = features_of(into.exec({"ethtool", "-k", "eth0"})),
  };
}

void give_underlay_device_back(int number, const NetNamespace& from) {
  const std::string& name = underlay_devices().at(static_cast<std::size_t>(number) - 1);
  const Original& before = originals().at(number);
  std::vector<std::string> changes{"ethtool", "-K", "eth0"};
  const Features after = features_of(from.exec({"ethtool", "-k", "eth0"}));
  for (const auto& [feature, value] : before.features) {
    const auto now = after.find(feature);
    if (now != after.end() && now->second != value) {
      changes.insert(changes.end(), {feature, value});
    }
  }
  // A feature that depends on another follows it: what else is refused was not ours to change.
  if (changes.size() > 3) {
    (void)from.exec(changes);
  }
  from.set_link_attribute("eth0/gro_flush_timeout", "0");
  from.ip("link set eth0 down\nlink set eth0 address " + before.mac + "\nlink set eth0 netns " +
          std::to_string(getpid()) + " name " + name);
}

void skip_test(const std::string& reason) {
  [&] { GTEST_SKIP() << reason; }();
  throw testing::AssertionException(
      testing::TestPartResult(testing::TestPartResult::kSkip, __FILE__, __LINE__, reason.c_str()));
}

}  // namespace vtepd::test
