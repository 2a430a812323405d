// SPDX-License-Identifier: GPL-2.0-only
#include "support/consul.h"

#include "support/netns.h"

#include <csignal>
#include <filesystem>
#include <stdexcept>

namespace vtepd::test {

std::string consul_program() {
  return std::filesystem::exists(VTEPD_CONSUL_PROGRAM) ? VTEPD_CONSUL_PROGRAM : "";
}

ConsulServer::ConsulServer(ConsulOptions options)
    : options_(std::move(options)), folder_(lab_folder() + "/" + unique_name() + "consul") {
  std::filesystem::create_directories(folder_);
  const std::string https = options_.url_scheme == "https" ? "8501" : "-1";
  // The smallest timings, so that an election takes a second and sessions may be short.
  const std::string settings = R"(
    server = true
    bootstrap = true
    node_name = "lab"
    disable_host_node_id = true
    disable_update_check = true
    session_ttl_min = "1s"
    performance { raft_multiplier = 1 }
  )";
  write_file(folder_ + "/consul.hcl", settings + "ports { dns = -1 serf_wan = -1 https = " + https +
                                          " }\nbind_addr = \"" + options_.address +
                                          "\"\nclient_addr = \"" + options_.address + "\"\n" +
                                          options_.settings);
}

ConsulServer::~ConsulServer() {
  if (process_) {
    thaw();
    kill9();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string ConsulServer::url() const {
  const std::string port = options_.url_scheme == "https" ? ":8501" : ":8500";
  return options_.url_scheme + "://" + options_.address + port;
}

Outcome ConsulServer::cli(std::vector<std::string> words) const {
  words.insert(words.begin(), consul_program());
  words.push_back("-http-addr=http://" + options_.address + ":8500");
  words.insert(words.end(), options_.client_options.begin(), options_.client_options.end());
  return run({.argv = std::move(words), .netns = options_.netns, .deadline = Seconds(10)});
}

std::string ConsulServer::kv(std::vector<std::string> words) const {
  // Options come before keys.
  std::vector<std::string> argv{consul_program(), "kv", words.front(),
                                "-http-addr=http://" + options_.address + ":8500"};
  argv.insert(argv.end(), options_.client_options.begin(), options_.client_options.end());
  argv.insert(argv.end(), words.begin() + 1, words.end());
  const Outcome outcome =
      run({.argv = std::move(argv), .netns = options_.netns, .deadline = Seconds(10)});
  if (!outcome.ok()) {
    throw std::runtime_error("consul kv " + words.front() + ": " + outcome.text());
  }
  return outcome.out;
}

std::string ConsulServer::log() const {
  return process_ ? process_->output() : "";
}

void ConsulServer::start() {
  const std::string path = folder_ + "/log" + std::to_string(++starts_);
  process_ = std::make_unique<Process>(
      Command{.argv = {consul_program(), "agent", "-config-file", folder_ + "/consul.hcl",
                       "-data-dir", folder_ + "/data"},
              .netns = options_.netns},
      path);
  // The node must be in its catalogue, else it refuses sessions.
  const auto ready = [&] {
    const std::string said = log();
    return said.find("cluster leadership acquired") != std::string::npos &&
           said.find("Synced node info") != std::string::npos &&
           (starts_ > 1 || said.find("marking health alive") != std::string::npos);
  };
  if (!wait_until([&] { return !process_->running() || ready(); }, Seconds(30)) ||
      !process_->running()) {
    throw std::runtime_error("consul did not get ready:\n" + log());
  }
}

void ConsulServer::stop() {
  process_->stop();
  process_.reset();
}

void ConsulServer::kill9() {
  process_->signal(SIGKILL);
  process_->wait(Seconds(10));
  process_.reset();
}

void ConsulServer::freeze() const {
  process_->freeze();
}

void ConsulServer::thaw() const {
  process_->thaw();
}

}  // namespace vtepd::test
