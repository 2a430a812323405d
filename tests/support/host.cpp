// SPDX-License-Identifier: GPL-2.0-only
#include "support/host.h"

#include "support/underlay_devices.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <set>
#include <stdexcept>

#include <sys/mount.h>

namespace vtepd::test {

namespace {

constexpr std::size_t kLogTail = 6000;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

// The whole suite runs in each; a test that is about one says so in its own options.
std::string test_mode() {
  const char* mode = std::getenv("VTEPD_TEST_MODE");
  return mode == nullptr ? "" : mode;
}

std::string underlay_mode() {
  const std::string mode = test_mode();
  return mode != "xdp" && mode != "tc" ? "" : "mode = \"" + mode + "\"\n";
}

// In a mixed cluster every second host is on the kernel data path.
std::string datapath_kind(int number) {
  const bool kernel = test_mode() == "kernel" || (test_mode() == "mixed" && number % 2 == 0);
  return kernel ? "kind = \"kernel\"\n" : "";
}

// Of a test that says nothing about it.
std::string endpoint_device(const std::string& datapath) {
  const bool said = datapath.find("endpoint_device") != std::string::npos ||
                    datapath.find("kind") != std::string::npos;
  return test_mode() == "netkit" && !said ? "endpoint_device = \"netkit\"\n" : "";
}

}  // namespace

bool on_kernel_path() {
  return test_mode() == "kernel";
}

bool counts(const std::string& reason) {
  static const std::set<std::string> kByItself{"OUTER_CHECKSUM", "OUTER_LENGTH", "NOT_LOCAL"};
  return !on_kernel_path() || !kByItself.contains(reason);
}

std::string vtepd_program() {
  return VTEPD_PROGRAM;
}

std::string vtepctl_program() {
  return VTEPCTL_PROGRAM;
}

std::string next_abi_program() {
  return VTEPD_NEXT_ABI_PROGRAM;
}

int next_abi() {
  return VTEPD_NEXT_ABI;
}

Outcome Container::ping(const std::string& target, int count,
                        const std::vector<std::string>& options) const {
  const bool v6 = target.find(':') != std::string::npos;
  std::vector<std::string> words{"ping", v6 ? "-6" : "-4",     "-n", "-i", "0.05", "-W", "2",
                                 "-c",   std::to_string(count)};
  append(words, options);
  words.push_back(target);
  Outcome outcome = netns.exec(words);
  // ping is content with a part of the replies; this is not.
  if (outcome.ok() && outcome.out.find(" 0% packet loss") == std::string::npos) {
    outcome.code = 1;
  }
  return outcome;
}

Host::Host(int number, std::string store, HostOptions options)
    : instance_(unique_name() + "h" + std::to_string(number)),
      number_(number),
      address_("10.99.0." + std::to_string(number)),
      store_(std::move(store)),
      options_(std::move(options)),
      folder_(lab_folder() + "/" + instance_),
      program_(vtepd_program()) {
  std::filesystem::create_directories(folder_);
}

Host::Host(const NetNamespace& underlay, int number, std::string store, HostOptions options)
    : Host(number, std::move(store), std::move(options)) {
  if (underlay_devices().empty()) {
    const std::string port = "h" + std::to_string(number);
    const std::string mtu = " mtu " + std::to_string(options_.mtu);
    underlay.ip("link add " + port + mtu + " type veth peer name eth0" + mtu + " netns " +
                netns_.name() + "\nlink set " + port + " master br0 up");
  } else {
    take_underlay_device(number_, netns_, options_.mtu);
  }
  netns_.ip("address add " + address_ + "/24 dev eth0\nlink set eth0 up");
}

Outcome Host::at_host_ends(std::vector<std::string> argv) const {
  const bool apart = std::filesystem::exists(overlay_netns());
  return run({.argv = std::move(argv), .netns = apart ? overlay_netns() : netns_.path()});
}

Host::~Host() {
  daemon_.reset();
  umount2(overlay_netns().c_str(), MNT_DETACH);
  std::error_code ignored;
  std::filesystem::remove_all(pin_dir(), ignored);
  std::filesystem::remove_all(runtime_dir(), ignored);
  std::filesystem::remove_all(state_dir(), ignored);
  if (!underlay_devices().empty()) {
    try {
      give_underlay_device_back(number_, netns_);
    } catch (const std::exception& problem) {
      // It comes back with the end of the namespace, only later.
      std::cerr << problem.what() << std::endl;
    }
  }
}

std::string Host::mac() const {
  const Outcome outcome = netns_.exec({"ip", "-j", "link", "show", "eth0"});
  return Json::parse(outcome.out).at(0).at("address");
}

std::string Host::config() const {
  const std::string store =
      options_.store.empty() ? "kind = \"file\"\npath = \"" + store_ + "\"" : options_.store;
  const std::string gossip = options_.gossip.empty() ? "" : "\n[gossip]\n" + options_.gossip;
  return "instance = \"" + instance_ + "\"\n[underlay]\naddress = \"" + address_ + "\"\n" +
         underlay_mode() + options_.underlay + "\n[store]\n" + store + gossip + "\n[datapath]\n" +
         (options_.datapath.find("kind") == std::string::npos ? datapath_kind(number_) : "") +
         endpoint_device(options_.datapath) + options_.datapath + "\n[limits]\n" + options_.limits +
         "\n[log]\nlevel = \"debug\"\n";
}

void Host::launch() {
  write_file(config_path(), config());
  daemon_ =
      std::make_unique<Process>(netns_.command({program_, "run", "-c", config_path()}), log_path());
}

void Host::start() {
  launch();
  const bool well = wait_until(
      [&] {
        return !daemon_->running() || ctl({"show", "status"}).ok();
      },
      Seconds(30));
  if (!well || !daemon_->running()) {
    throw std::runtime_error("vtepd " + instance_ + " did not get well:\n" +
                             ctl({"show", "status"}).text() + daemon_->output());
  }
}

Outcome Host::run_daemon(Milliseconds deadline) const {
  return netns_.exec({vtepd_program(), "run", "-c", config_path()}, deadline);
}

void Host::stop() {
  if (daemon_) {
    daemon_->stop();
  }
  daemon_.reset();
}

void Host::kill9() {
  daemon_->signal(SIGKILL);
  daemon_->wait(Seconds(10));
  daemon_.reset();
}

Outcome Host::ctl(std::vector<std::string> words, Milliseconds deadline) const {
  words.insert(words.begin(), {vtepctl_program(), "--instance", instance_});
  return netns_.exec(std::move(words), deadline);
}

void Host::must(const std::vector<std::string>& words) const {
  const Outcome outcome = ctl(words);
  if (!outcome.ok()) {
    std::string line = "vtepctl";
    for (const std::string& word : words) {
      line += " " + word;
    }
    throw std::runtime_error(instance_ + ": " + line + ": " + outcome.text());
  }
}

Json Host::show(const std::string& what) const {
  const Outcome outcome = ctl({"show", what, "--json"});
  const Json document = Json::parse(outcome.out, nullptr, false);
  if (document.is_discarded() || document.value("schema", 0) != 1) {
    throw std::runtime_error(instance_ + ": show " + what + " --json: " + outcome.text());
  }
  return document;
}

std::vector<Json> Host::rows(const std::string& what) const {
  const Json document = show(what);
  for (const auto& [key, value] : document.items()) {
    if (value.is_array()) {
      return value;
    }
  }
  throw std::runtime_error(instance_ + ": show " + what +
                           " --json has no list: " + document.dump());
}

Json Host::datapath() const {
  return show("status").at("status").at("datapath");
}

std::string Host::host_end() const {
  for (const Json& row : rows("endpoints")) {
    if (const std::string end = row.value("host_ifname", ""); !end.empty()) {
      return end;
    }
  }
  throw std::runtime_error(instance_ + " has no endpoint");
}

std::uint64_t Host::counter(const std::string& reason, const std::string& network) const {
  const Outcome outcome = ctl({"show", "drops", "--json", "--all"});
  const Json document = Json::parse(outcome.out, nullptr, false);
  std::uint64_t sum = 0;
  for (const auto& [key, list] : document.items()) {
    if (!list.is_array()) {
      continue;
    }
    for (const Json& row : list) {
      if (lower(row.value("reason", "")) == lower(reason) &&
          (network.empty() || row.value("network", "") == network)) {
        sum += row.value("packets", std::uint64_t{0});
      }
    }
  }
  return sum;
}

std::size_t Host::logged(const std::string& words) const {
  const std::string log = read_file(log_path());
  std::size_t count = 0;
  for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) {
    ++count;
  }
  return count;
}

std::string Host::map_path(const std::string& map) const {
  return pin_dir() + "/v" + std::to_string(next_abi() - 1) + "/" + map;
}

Json Host::map_entries(const std::string& map) const {
  const Outcome dump = run({"bpftool", "-j", "map", "dump", "pinned", map_path(map)});
  const Json all = Json::parse(dump.out, nullptr, false);
  if (!all.is_array()) {
    return all;
  }
  Json held = Json::array();
  std::copy_if(all.begin(), all.end(), std::back_inserter(held), [](const Json& entry) {
    return !entry.contains("value") || !entry.at("value").is_object() ||
           !entry.at("value").contains("error");
  });
  return held;
}

Container& Host::attach(const std::string& network, const std::string& address,
                        const std::vector<std::string>& options) {
  containers_.push_back(std::make_unique<Container>());
  attach(*containers_.back(), network, address, options);
  return *containers_.back();
}

void Host::attach(Container& container, const std::string& network, const std::string& address,
                  const std::vector<std::string>& options) {
  std::vector<std::string> words{
      "attach", network, "--netns", container.netns.path(), "--ifname", container.interface,
      "--ip",   address};
  append(words, options);
  must(words);
  container.address = address;
  const Outcome link = container.netns.exec({"ip", "-j", "link", "show", container.interface});
  container.mac = Json::parse(link.out).at(0).at("address");
}

bool Host::knows(const std::string& address) const {
  const std::vector<Json> neighbours = rows("neigh");
  return std::any_of(neighbours.begin(), neighbours.end(),
                     [&](const Json& row) { return row.value("address", "") == address; });
}

Outcome Host::purge() const {
  return netns_.exec({vtepd_program(), "purge", "-c", config_path()});
}

void Host::dump() const {
  std::cerr << "\n##### " << instance_ << " (" << address_ << ", " << netns_.name() << ")\n";
  for (const char* what : {"status", "endpoints", "fdb", "neigh", "vteps", "drops"}) {
    std::cerr << "--- show " << what << "\n" << ctl({"show", what}, Seconds(5)).text();
  }
  std::cerr << "--- ip -d link\n" << netns_.exec({"ip", "-d", "link"}).out;
  if (std::filesystem::exists(overlay_netns())) {
    std::cerr << "--- namespace of the kernel data path\n"
              << at_host_ends({"ip", "-d", "link"}).out << at_host_ends({"bridge", "fdb"}).out
              << at_host_ends({"ip", "neigh"}).out;
  }
  const std::string log = read_file(log_path());
  std::cerr << "--- log\n" << log.substr(log.size() - std::min(log.size(), kLogTail)) << std::endl;
}

}  // namespace vtepd::test
