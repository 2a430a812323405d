// SPDX-License-Identifier: GPL-2.0-only
#include "support/keepalived.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace vtepd::test {

std::string Keepalived::virtual_mac(int router) {
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "00:00:5e:00:01:%02x",
                static_cast<unsigned>(router) & 0xffU);
  return text.data();
}

Keepalived::Keepalived(const NetNamespace& netns, KeepalivedOptions options)
    : netns_(netns),
      options_(std::move(options)),
      base_(lab_folder() + "/" + unique_name() + "keepalived") {
  write_file(path("conf"), config());
  start();
}

Keepalived::~Keepalived() {
  stop();
}

// Version 3 has fractions of a second. A backup takes over 3 intervals and less than one more after
// the last advertisement.
std::string Keepalived::config() const {
  const std::string router = std::to_string(options_.router);
  return "vrrp_instance vip {\n  state BACKUP\n  version 3\n  advert_int 0.2\n  interface " +
         options_.interface + "\n  virtual_router_id " + router + "\n  priority " +
         std::to_string(options_.priority) + "\n" +
         (options_.virtual_mac ? "  use_vmac vrrp" + router + "\n  vmac_xmit_base\n" : "") +
         "  unicast_src_ip " + options_.address + "\n  unicast_peer {\n    " + options_.peer +
         "\n  }\n  virtual_ipaddress {\n    " + options_.virtual_address + "\n  }\n}\n";
}

void Keepalived::start() {
  std::filesystem::remove(path("log"));  // what an earlier run said no longer counts
  process_ = std::make_unique<Process>(
      netns_.command({"keepalived", "--dont-fork", "--vrrp", "--dont-respawn", "--log-console",
                      "--no-syslog", "--use-file=" + path("conf"), "--pid=" + path("pid"),
                      "--vrrp_pid=" + path("vrrp_pid")}),
      path("log"));
  const bool up = wait_until(
      [&] {
        return !process_->running() || output().find("Entering BACKUP STATE") != std::string::npos;
      },
      Seconds(10));
  if (!up || !process_->running()) {
    throw std::runtime_error("keepalived in " + netns_.name() + " does not start:\n" + output());
  }
}

void Keepalived::stop() {
  if (process_) {
    process_->stop();
  }
  process_.reset();
}

// The child that speaks VRRP goes first: left alone by its parent it would clean up.
void Keepalived::kill9() {
  const std::string child = read_file(path("vrrp_pid"));
  if (child.empty() || kill(std::stoi(child), SIGKILL) != 0) {
    throw std::runtime_error("keepalived in " + netns_.name() + " has no child to kill");
  }
  process_->signal(SIGKILL);
  process_->wait(Seconds(10));
  process_.reset();
  std::filesystem::remove(path("pid"));
  std::filesystem::remove(path("vrrp_pid"));
}

// The last word counts; the log of a run begins with its start.
bool Keepalived::is_master() const {
  const std::string said = output();
  const std::size_t at = said.rfind("Entering ");
  return process_ != nullptr && at != std::string::npos &&
         said.compare(at, 21, "Entering MASTER STATE") == 0;
}

bool Keepalived::has_address() const {
  const std::string address =
      options_.virtual_address.substr(0, options_.virtual_address.find('/'));
  return netns_.exec({"ip", "-o", "address", "show", "to", address}).out.find(address) !=
         std::string::npos;
}

}  // namespace vtepd::test
