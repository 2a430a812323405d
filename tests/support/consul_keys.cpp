// SPDX-License-Identifier: GPL-2.0-only
#include "support/consul_keys.h"

#include "registry/base64.h"
#include "support/sockets.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <sys/socket.h>

#include <nlohmann/json.hpp>

namespace vtepd::test {

namespace {

constexpr std::size_t kMost = 64;

std::string request_of(const std::string& body) {
  return "PUT /v1/txn HTTP/1.1\r\nHost: consul\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      throw std::runtime_error("cannot send to Consul");
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Up to the end of a chunked or counted body; only the status is looked at.
void expect_ok(int fd) {
  std::string answer;
  std::array<char, 65536> buffer{};
  const auto whole = [&] {
    const auto head = answer.find("\r\n\r\n");
    if (head == std::string::npos) {
      return false;
    }
    const auto length = answer.find("Content-Length: ");
    return length < head ? answer.size() >= head + 4 + std::stoul(answer.substr(length + 16))
                         : answer.ends_with("0\r\n\r\n");
  };
  while (!whole()) {
    const auto got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      throw std::runtime_error("Consul broke off: " + answer);
    }
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (!answer.starts_with("HTTP/1.1 200")) {
    throw std::runtime_error("Consul refused keys: " + answer.substr(0, 500));
  }
}

}  // namespace

void write_keys(const NetNamespace& from, const std::string& address,
                const std::vector<KeyWrite>& keys) {
  const Target target = resolve(address, 8500);
  const Socket socket(from, target.family(), SOCK_STREAM);
  if (connect(socket.get(), target.get(), target.size) != 0) {
    throw std::runtime_error("cannot connect to Consul at " + address);
  }
  for (std::size_t i = 0; i < keys.size(); i += kMost) {
    auto steps = nlohmann::json::array();
    for (std::size_t k = i; k < std::min(i + kMost, keys.size()); ++k) {
      nlohmann::json step{{"Verb", keys[k].value ? "set" : "delete"}, {"Key", keys[k].key}};
      if (keys[k].value) {
        step["Value"] = registry::base64_encode(*keys[k].value);
      }
      steps.push_back({{"KV", std::move(step)}});
    }
    send_all(socket.get(), request_of(steps.dump()));
    expect_ok(socket.get());
  }
}

}  // namespace vtepd::test
