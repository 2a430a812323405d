// SPDX-License-Identifier: GPL-2.0-only
#include "api/api_server.h"

#include "api/json_codec.h"
#include "base/unique_fd.h"
#include "fake_control.h"

#include <cstdlib>
#include <cstring>
#include <future>
#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace vtepd {
namespace {

using std::chrono::milliseconds;

constexpr int kPatience = 10000;  // ms

class Client {
 public:
  explicit Client(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  [[nodiscard]] bool connected() const { return connected_; }

  bool send(const std::string& text) {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  // Until the server closes, or until one whole answer is there if `one` is set.
  std::string receive(bool one = false) {
    std::string text;
    for (;;) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (poll(&ready, 1, kPatience) != 1) {
        return text + "<timeout>";
      }
      char buffer[4096];
      const ssize_t count = recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count <= 0) {
        return text;
      }
      text.append(buffer, static_cast<std::size_t>(count));
      const auto body = text.find("\r\n\r\n");
      if (one && body != std::string::npos) {
        const auto length = text.find("Content-Length: ");
        if (length < body && text.size() - body - 4 == std::stoul(text.substr(length + 16))) {
          return text;
        }
      }
    }
  }

 private:
  UniqueFd fd_;
  bool connected_ = false;
};

std::string get(const std::string& target, const std::string& more = "Connection: close\r\n") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

std::string body_of(const std::string& answer) {
  const auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}

std::string status_of(const std::string& answer) {
  return answer.substr(0, 12);
}

class ApiServerTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/vtepd-api-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    options_.socket = folder_ + "/run/default/api.sock";
    options_.client = geteuid();
    options_.timeout = milliseconds(300);
  }

  void TearDown() override {
    stop();
    std::system(("rm -rf '" + folder_ + "'").c_str());
  }

  void start() {
    server_ = std::make_unique<ApiServer>(loop_, control_, options_);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().what;
    thread_ = std::thread([this] { loop_.run(); });
  }

  void stop() {
    if (thread_.joinable()) {
      on_loop([this] { server_.reset(); });
      loop_.stop();
      thread_.join();
    }
  }

  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  std::string call(const std::string& request) {
    Client client(options_.socket);
    EXPECT_TRUE(client.connected());
    client.send(request);
    return client.receive();
  }

  std::string folder_;
  ApiServer::Options options_;
  EventLoop loop_;
  test::FakeControl control_;  // keeps replies, which must not outlive the loop
  std::unique_ptr<ApiServer> server_;
  std::thread thread_;
};

TEST_F(ApiServerTest, AnswersARequest) {
  start();
  const auto answer = call(get("/v1/status"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), to_json(test::status_view()));
}

TEST_F(ApiServerTest, SocketAndFolderAreForTheOwnerOnly) {
  start();

  struct stat status {};

  ASSERT_EQ(stat(options_.socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  ASSERT_EQ(stat((folder_ + "/run/default").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
}

TEST_F(ApiServerTest, OtherUsersAreRefused) {
  options_.client = geteuid() + 1;
  start();
  const auto answer = call(get("/v1/status"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 403");
  EXPECT_EQ(from_json<Error>(body_of(answer))->kind, ErrorKind::Denied);
}

TEST_F(ApiServerTest, ConnectionIsKept) {
  start();
  Client client(options_.socket);
  for (int i = 0; i < 3; ++i) {
    client.send(get("/v1/fdb", ""));
    EXPECT_EQ(body_of(client.receive(true)), "{\"schema\":1,\"fdb\":[]}\n");
  }
}

TEST_F(ApiServerTest, WrongMethodNamesTheRightOne) {
  start();
  const auto answer = call("POST /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 405");
  EXPECT_NE(answer.find("Allow: GET\r\n"), std::string::npos);
}

TEST_F(ApiServerTest, UnknownMethodAndPathAreRefused) {
  start();
  EXPECT_EQ(status_of(call("BREW /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n")),
            "HTTP/1.1 405");
  EXPECT_EQ(status_of(call(get("/nothing"))), "HTTP/1.1 404");
}

TEST_F(ApiServerTest, GarbageIsABadRequest) {
  start();
  for (const auto& garbage :
       {std::string("\x16\x03\x01\x02\x00\r\n\r\n", 9), std::string("hello\r\n\r\n"),
        std::string("GET /v1/status HTTP/9.9\r\n\r\n"), std::string("GET  HTTP/1.1\r\n\r\n"),
        std::string("GET /v1/status HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        std::string("POST /v1/networks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    const auto answer = call(garbage);
    EXPECT_EQ(status_of(answer), "HTTP/1.1 400") << garbage;
    EXPECT_EQ(from_json<Error>(body_of(answer))->kind, ErrorKind::Invalid) << garbage;
  }
  EXPECT_EQ(status_of(call(get("/v1/status"))), "HTTP/1.1 200");
}

TEST_F(ApiServerTest, BadDocumentIsABadRequest) {
  start();
  const auto answer =
      call("POST /v1/networks HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{\"a\":");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 400");
  EXPECT_EQ(from_json<Error>(body_of(answer))->what, "the body is no JSON, from byte 6 on");
}

TEST_F(ApiServerTest, OversizeBodyIsRefused) {
  start();
  EXPECT_EQ(status_of(call("POST /v1/networks HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n")),
            "HTTP/1.1 413");
  EXPECT_EQ(status_of(call("POST /v1/networks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "fffffff\r\n")),
            "HTTP/1.1 413");
}

TEST_F(ApiServerTest, OversizeHeaderIsRefused) {
  start();
  EXPECT_EQ(status_of(call(get("/v1/status", "X: " + std::string(9000, 'x') + "\r\n"))),
            "HTTP/1.1 431");
}

TEST_F(ApiServerTest, SlowClientIsClosed) {
  start();
  Client client(options_.socket);
  const auto begin = std::chrono::steady_clock::now();
  for (const char c : get("/v1/status")) {
    std::this_thread::sleep_for(milliseconds(50));
    if (!client.send(std::string(1, c))) {
      break;
    }
  }
  EXPECT_EQ(client.receive(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(ApiServerTest, IdleClientIsClosed) {
  start();
  Client client(options_.socket);
  EXPECT_EQ(client.receive(), "");
}

TEST_F(ApiServerTest, AnswerMayTakeLongerThanTheTimeout) {
  control_.hold = true;
  start();
  const std::string body = R"({"network":"blue","netns":"/a"})";
  Client client(options_.socket);
  client.send("POST /v1/endpoints HTTP/1.1\r\nConnection: close\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  std::this_thread::sleep_for(options_.timeout * 2);
  on_loop([this] {
    ASSERT_EQ(control_.held.size(), 1U);
    control_.held.front()(control_.attach_reply);
    control_.held.front()(control_.attach_reply);  // a second answer does nothing
  });
  const auto answer = client.receive();
  EXPECT_EQ(status_of(answer), "HTTP/1.1 201");
  EXPECT_EQ(body_of(answer), to_json(control_.attach_reply));
}

TEST_F(ApiServerTest, AnswerForAClientThatLeftIsDropped) {
  control_.hold = true;
  start();
  {
    const std::string body = R"({"network":"blue","netns":"/a"})";
    Client client(options_.socket);
    client.send("POST /v1/endpoints HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    for (std::size_t held = 0; held == 0; std::this_thread::sleep_for(milliseconds(5))) {
      on_loop([&] { held = control_.held.size(); });
    }
  }
  on_loop([this] { control_.held.front()(control_.attach_reply); });
  EXPECT_EQ(status_of(call(get("/v1/status"))), "HTTP/1.1 200");
}

TEST_F(ApiServerTest, AnswerAfterTheServerIsDropped) {
  control_.hold = true;
  start();
  const std::string body = R"({"network":"blue","netns":"/a"})";
  Client client(options_.socket);
  client.send("POST /v1/endpoints HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  for (std::size_t held = 0; held == 0; std::this_thread::sleep_for(milliseconds(5))) {
    on_loop([&] { held = control_.held.size(); });
  }
  on_loop([this] { server_.reset(); });
  on_loop([this] { control_.held.front()(control_.attach_reply); });
  EXPECT_EQ(client.receive(), "");
}

TEST_F(ApiServerTest, ThrowingHandlerIsAnInternalError) {
  control_.thrown = "boom";
  start();
  const auto answer = call(get("/v1/status"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 500");
  EXPECT_EQ(from_json<Error>(body_of(answer))->what, "boom");
}

TEST_F(ApiServerTest, ManyClientsAtOnceAreServed) {
  options_.timeout = milliseconds(10000);
  control_.fdb_rows.resize(2000);
  start();
  const auto expected = to_json(control_.fdb_rows);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5; ++j) {
        EXPECT_EQ(body_of(call(get("/v1/fdb"))), expected);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
}

TEST_F(ApiServerTest, OneConnectionTooManyIsTurnedAway) {
  options_.timeout = milliseconds(10000);
  options_.max_connections = 3;
  start();
  auto clients = std::vector<std::unique_ptr<Client>>();
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(options_.socket));
    clients.back()->send(get("/v1/fdb", ""));
    EXPECT_EQ(status_of(clients.back()->receive(true)), "HTTP/1.1 200");
  }
  EXPECT_EQ(status_of(call(get("/v1/status"))), "HTTP/1.1 503");

  clients.clear();

  std::string answer;
  for (int i = 0; i < 200 && status_of(answer) != "HTTP/1.1 200"; ++i) {
    answer = call(get("/v1/status"));
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
}

TEST_F(ApiServerTest, LiveSocketIsAConflict) {
  start();
  test::FakeControl other;
  ApiServer second(loop_, other, options_);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::Conflict);
  EXPECT_EQ(started.error().what, "another daemon serves " + options_.socket);
  EXPECT_EQ(status_of(call(get("/v1/status"))), "HTTP/1.1 200");
}

TEST_F(ApiServerTest, SocketGoesWithTheServer) {
  start();
  stop();
  EXPECT_NE(access(options_.socket.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace vtepd
