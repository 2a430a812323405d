// SPDX-License-Identifier: GPL-2.0-only
#include "support/docker.h"

#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace vtepd::test {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLogTail = 6000;
constexpr int kTries = 5;

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

// An image without a registry: busybox and what the tests call by its name. Made once.
const std::string& image_archive() {
  static const std::string archive = [] {
    const std::string folder = lab_folder() + "/image";
    fs::create_directories(folder + "/bin");
    fs::copy_file(std::string(VTEPD_PEERS) + "/busybox-static/bin/busybox", folder + "/bin/busybox",
                  fs::copy_options::overwrite_existing);
    for (const char* applet : {"sh", "sleep", "cat", "ls", "ip", "ping", "nslookup"}) {
      fs::create_symlink("busybox", folder + "/bin/" + applet);
    }
    std::string path = lab_folder() + "/image.tar";
    const Outcome made = vtepd::test::run({"tar", "-C", folder, "-cf", path, "."});
    if (!made.ok()) {
      throw std::runtime_error("tar: " + made.text());
    }
    return path;
  }();
  return archive;
}

// What dockerd says of Consul from a thread that it left in another namespace.
constexpr const char* kLostItsWay = "network is unreachable";
bool lost_its_way = false;

bool worth_another_try(const Outcome& outcome) {
  return outcome.err.find(kLostItsWay) != std::string::npos;
}

std::string line_of(std::string text) {
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

}  // namespace

DockerHost::DockerHost(const NetNamespace& underlay, int number, const std::string& consul)
    : own_netns_(std::make_unique<NetNamespace>()),
      netns_(*own_netns_),
      name_(unique_name() + "d" + std::to_string(number)),
      address_("10.99.0." + std::to_string(number)),
      machine_(netns_, {.hostname = name_, .address = address_, .consul = consul}) {
  const std::string port = "h" + std::to_string(number);
  underlay.ip("link add " + port + " type veth peer name eth0 netns " + netns_.name() +
              "\nlink set " + port + " master br0 up");
  netns_.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1");
  netns_.ip("address add " + address_ + "/24 dev eth0\nlink set eth0 up");
}

DockerHost::DockerHost(const Host& host, const std::string& consul)
    : netns_(host.netns()),
      name_(unique_name() + "d"),
      address_(host.address()),
      machine_(netns_, {.hostname = name_, .address = address_, .consul = consul}) {}

DockerHost::~DockerHost() {
  if (machine_.log().find(kLostItsWay) != std::string::npos) {
    lost_its_way = true;
  }
}

bool docker_lost_its_way() {
  return std::exchange(lost_its_way, false);
}

void DockerHost::start() {
  machine_.start();
  if (!docker({"image", "inspect", "bb"}).ok()) {
    must({"import", image_archive(), "bb"});
  }
}

void DockerHost::stop() {
  machine_.stop();
}

void DockerHost::kill9() {
  machine_.kill9();
}

void DockerHost::restart() {
  machine_.stop();
  machine_.start();
}

Outcome DockerHost::docker(std::vector<std::string> words) const {
  return machine_.docker(std::move(words));
}

std::string DockerHost::must(const std::vector<std::string>& words) const {
  Outcome outcome;
  for (int tries = 0; tries < kTries; ++tries) {
    outcome = docker(words);
    if (outcome.ok()) {
      return line_of(outcome.out);
    }
    if (!worth_another_try(outcome)) {
      break;
    }
  }
  std::string line = name_ + ": docker";
  for (const std::string& word : words) {
    line += " " + word;
  }
  throw std::runtime_error(line + ": " + outcome.text());
}

std::string DockerHost::network_create(const std::string& name, const std::string& subnet,
                                       const std::vector<std::string>& options) const {
  std::vector<std::string> words{"network", "create", "-d", "overlay", "--subnet", subnet};
  append(words, options);
  words.push_back(name);
  return must(words);
}

void DockerHost::network_rm(const std::string& name) const {
  must({"network", "rm", name});
}

Json DockerHost::network_inspect(const std::string& name) const {
  return Json::parse(must({"network", "inspect", name})).at(0);
}

bool DockerHost::has_network(const std::string& name) const {
  const std::string listed = must({"network", "ls", "--format", "{{.Name}}"});
  return ("\n" + listed + "\n").find("\n" + name + "\n") != std::string::npos;
}

Container& DockerHost::run(const std::string& name, const std::string& network,
                           const std::string& address, const std::vector<std::string>& options) {
  std::vector<std::string> words{"create", "--name",        name,  "--net",
                                 network,  "--stop-signal", "KILL"};
  if (!address.empty()) {
    append(words, {"--ip", address});
  }
  append(words, options);
  append(words, {"bb", "sleep", "3600"});
  must(words);
  must({"start", name});
  return started(name);
}

Container& DockerHost::started(const std::string& name) {
  const Json settings = inspect(name).at("NetworkSettings");
  const Json& port = settings.at("Networks").begin().value();
  const std::string handle = machine_.seen_from_here(settings.at("SandboxKey"));
  auto& container = containers_[name];
  container.reset(
      new Container{NetNamespace(handle), "eth0", port.at("IPAddress"), port.at("MacAddress")});
  return *container;
}

void DockerHost::rm(const std::string& name) {
  containers_.erase(name);
  must({"rm", "-f", name});
}

Json DockerHost::inspect(const std::string& name) const {
  return Json::parse(must({"container", "inspect", name})).at(0);
}

Outcome DockerHost::exec(const std::string& name, std::vector<std::string> argv) const {
  argv.insert(argv.begin(), {"exec", name});
  return docker(std::move(argv));
}

// The redirection to dockerd's resolver is a matter of iptables, so it is asked at its own port.
Outcome DockerHost::resolve(const std::string& name, const std::string& wanted) const {
  const std::string listeners =
      containers_.at(name)->netns.exec({"ss", "-Hlun", "src", "127.0.0.11"}).out;
  const std::string address = "127.0.0.11:";
  const auto at = listeners.find(address);
  if (at == std::string::npos) {
    throw std::runtime_error(name_ + ": " + name + " has no resolver: " + listeners);
  }
  const auto end = listeners.find_first_not_of("0123456789", at + address.size());
  return exec(name, {"nslookup", "-type=a", wanted, listeners.substr(at, end - at)});
}

Outcome DockerHost::in_overlay(const std::string& network_id, std::vector<std::string> argv) const {
  // The number in front counts how often dockerd has made it anew.
  const std::string folder = machine_.seen_from_here("/run/docker/netns");
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename();
    const auto dash = file.find('-');
    if (dash != std::string::npos && network_id.starts_with(file.substr(dash + 1))) {
      return vtepd::test::run({.argv = std::move(argv), .netns = entry.path()});
    }
  }
  throw std::runtime_error(name_ + " has no namespace for the network " + network_id);
}

void DockerHost::dump() const {
  std::cerr << "\n##### " << name_ << " (" << address_ << ", " << netns_.name() << ")\n";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"network", "ls"}, {"ps", "-a"}}) {
    std::cerr << "--- docker " << words.front() << "\n" << docker(words).text();
  }
  const std::string log = machine_.log();
  std::cerr << "--- log\n" << log.substr(log.size() - std::min(log.size(), kLogTail)) << std::endl;
}

}  // namespace vtepd::test
