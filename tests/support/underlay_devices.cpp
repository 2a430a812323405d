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

// One of VTEPD_TEST_UNDERLAY: the device, and what is made on top of it.
struct Given {
  std::string name;
  std::string upper;  // "bond", "vlan"; empty: the device itself is the underlay

  // What it goes by in the host's namespace; the underlay is always eth0.
  [[nodiscard]] std::string name_there() const { return upper.empty() ? "eth0" : "nic0"; }
};

// What tests change of a device, as it was.
struct Original {
  std::string mac;
  Features features;
};

Given given(int number) {
  const std::string& text = underlay_devices().at(static_cast<std::size_t>(number) - 1);
  const std::size_t plus = text.find('+');
  return {.name = text.substr(0, plus),
          .upper = plus == std::string::npos ? "" : text.substr(plus + 1)};
}

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

std::string mac_of_link(const NetNamespace& netns, const std::string& device) {
  const Outcome shown = netns.exec({"ip", "-o", "link", "show", "dev", device});
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

// In the host's own namespace: a bond cannot be moved to another.
void make_upper(const std::string& upper, const NetNamespace& netns) {
  if (upper == "bond") {
    netns.ip(
        "link add eth0 type bond mode active-backup miimon 100\nlink set nic0 master eth0\n"
        "link set nic0 up");
  } else if (upper == "vlan") {
    netns.ip("link set nic0 up\nlink add link nic0 name eth0 type vlan id 7");
  } else {
    throw std::runtime_error("VTEPD_TEST_UNDERLAY: no underlay of the kind " + upper);
  }
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

std::string underlay_device_name(int number) {
  return underlay_devices().empty() ? "eth0" : given(number).name_there();
}

void take_underlay_device(int number, const NetNamespace& into, int mtu) {
  const Given device = given(number);
  const std::string there = device.name_there();
  const std::string mark = device.name + "-lab";
  const std::string now = find(device.name, mark);
  if (now != mark) {
    ip({"link", "property", "add", "dev", now, "altname", mark});
  }
  ip({"link", "set", "dev", mark, "down"});
  ip({"link", "set", "dev", mark, "netns", into.name(), "name", there});
  into.ip("link set " + there + " mtu " + std::to_string(mtu));
  originals()[number] = {
      .mac = mac_of_link(into, there),
      .features = features_of(into.exec({"ethtool", "-k", there})),
  };
  if (!device.upper.empty()) {
    make_upper(device.upper, into);
    into.ip("link set eth0 mtu " + std::to_string(mtu));
  }
}

void give_underlay_device_back(int number, const NetNamespace& from) {
  const Given device = given(number);
  const std::string there = device.name_there();
  if (!device.upper.empty()) {
    from.ip("link del eth0");
  }
  const Original& before = originals().at(number);
  std::vector<std::string> changes{"ethtool", "-K", there};
  const Features after = features_of(from.exec({"ethtool", "-k", there}));
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
  from.set_link_attribute(there + "/gro_flush_timeout", "0");
  from.ip("link set " + there + " down\nlink set " + there + " address " + before.mac +
          "\nlink set " + there + " netns " + std::to_string(getpid()) + " name " + device.name);
}

void skip_test(const std::string& reason) {
  [&] { GTEST_SKIP() << reason; }();
  throw testing::AssertionException(
      testing::TestPartResult(testing::TestPartResult::kSkip, __FILE__, __LINE__, reason.c_str()));
}

}  // namespace vtepd::test
