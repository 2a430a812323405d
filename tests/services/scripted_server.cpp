// SPDX-License-Identifier: GPL-2.0-only
#include "services/scripted_server.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>
#include <stdexcept>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <unistd.h>

namespace vtepd::test {

namespace {

// The next request on the connection; what follows it stays in `read`.
std::optional<ScriptedServer::Request> next_request(int fd, std::string& read) {
  const auto more = [&] {
    std::array<char, 4096> buffer{};
    const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count > 0) {
      read.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return count > 0;
  };
  std::size_t end = 0;
  while ((end = read.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) {
      return std::nullopt;
    }
  }
  ScriptedServer::Request request;
  std::istringstream lines(read.substr(0, end));
  std::string line;
  std::getline(lines, line);
  std::istringstream(line) >> request.method >> request.target;
  while (std::getline(lines, line)) {
    const auto colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    value.erase(value.find_last_not_of('\r') + 1);
    request.headers[name] = value;
  }
  read.erase(0, end + 4);
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (read.size() < size) {
    if (!more()) {
      return std::nullopt;
    }
  }
  request.body = read.substr(0, size);
  read.erase(0, size);
  return request;
}

}  // namespace

ScriptedServer::ScriptedServer(Script script, std::string address_text, int port)
    : address_(std::move(address_text)), script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t size = sizeof(address);
  if (::inet_pton(AF_INET, address_.c_str(), &address.sin_addr) != 1 ||
      ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on " + address_);
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_until_stopped(); });
}

ScriptedServer::~ScriptedServer() {
  stop_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  drop_connections();
  for (auto& server : servers_) {
    server.join();
  }
  ::close(listener_);
}

void ScriptedServer::set(Script script) {
  const std::lock_guard guard(mutex_);
  script_ = std::move(script);
}

void ScriptedServer::drop_connections() {
  const std::lock_guard guard(mutex_);
  for (const int fd : open_) {
    ::shutdown(fd, SHUT_RDWR);
  }
}

std::string ScriptedServer::url() const {
  return "http://" + address_ + ":" + std::to_string(port_);
}

std::vector<ScriptedServer::Request> ScriptedServer::requests() {
  const std::lock_guard guard(mutex_);
  return requests_;
}

void ScriptedServer::accept_until_stopped() {
  while (!stop_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      continue;
    }
    const std::lock_guard guard(mutex_);
    open_.push_back(fd);
    servers_.emplace_back([this, fd] { serve(fd); });
  }
}

ScriptedServer::Reply ScriptedServer::reply_to(const Request& request) {
  Script script;
  {
    const std::lock_guard guard(mutex_);
    requests_.push_back(request);
    script = script_;
  }
  return script(request);
}

void ScriptedServer::serve(int fd) {
  std::string read;
  while (const auto request = next_request(fd, read)) {
    const Reply reply = reply_to(*request);
    std::size_t sent = 0;
    while (sent < reply.bytes.size()) {
      const auto count =
          ::send(fd, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) {
        break;
      }
      sent += static_cast<std::size_t>(count);
    }
    if (reply.close || sent < reply.bytes.size()) {
      break;
    }
  }
  ::shutdown(fd, SHUT_RDWR);
  const std::lock_guard guard(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

ScriptedServer::Reply ScriptedServer::answer(unsigned status, const std::string& body,
                                             const std::string& index, const std::string& leader) {
  return {"HTTP/1.1 " + std::to_string(status) +
              " S\r\nContent-Type: application/json\r\nX-Consul-Index: " + index +
              "\r\nX-Consul-KnownLeader: " + leader + "\r\nX-Consul-LastContact: 0\r\n" +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
          false};
}

ScriptedServer::Reply ScriptedServer::plain(unsigned status, const std::string& body) {
  return {"HTTP/1.1 " + std::to_string(status) +
              " S\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
          false};
}

std::string pair_json(const std::string& key, const std::string& base64, unsigned index) {
  return R"({"LockIndex":0,"Key":")" + key + R"(","Flags":3304740253564472344,"Value":")" + base64 +
         R"(","CreateIndex":1,"ModifyIndex":)" + std::to_string(index) + "}";
}

}  // namespace vtepd::test
