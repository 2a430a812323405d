// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vtepd::test {

// An HTTP server that answers as the test says, byte for byte. It listens in the network namespace
// of the thread that makes it.
class ScriptedServer {
 public:
  struct Request {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
  };

  // The bytes to send; the connection is closed after them if `close`.
  struct Reply {
    std::string bytes;
    bool close = false;
  };

  using Script = std::function<Reply(const Request&)>;

  // Port 0: one of its own.
  explicit ScriptedServer(Script script, std::string address = "127.0.0.1", int port = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  void set(Script script);
  void drop_connections();
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::vector<Request> requests();

  // A whole answer as Consul gives it, with a leader.
  static Reply answer(unsigned status, const std::string& body, const std::string& index = "7",
                      const std::string& leader = "true");
  static Reply plain(unsigned status, const std::string& body);

 private:
  void accept_until_stopped();
  void serve(int fd);
  Reply reply_to(const Request& request);

  std::string address_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  Script script_;
  std::vector<Request> requests_;
  std::vector<int> open_;
  std::vector<std::thread> servers_;
  std::thread acceptor_;
};

// One pair as Consul writes it.
std::string pair_json(const std::string& key, const std::string& base64, unsigned index);

}  // namespace vtepd::test
