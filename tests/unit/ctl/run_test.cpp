// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/run.h"

#include "api/api_server.h"
#include "api/json_codec.h"
#include "api/unix_socket.h"
#include "runtime/event_loop.h"
#include "unit/api/fake_control.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <sstream>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::ctl {
namespace {

class Run : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/vtepd-ctl-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    socket_ = folder_ + "/api.sock";
  }

  void TearDown() override {
    if (thread_.joinable()) {
      loop_.post([this] {
        server_.reset();
        loop_.stop();
      });
      thread_.join();
    }
    std::system(("rm -rf '" + folder_ + "'").c_str());
  }

  void start_daemon() {
    server_ = std::make_unique<ApiServer>(
        loop_, control_, ApiServer::Options{.socket = socket_, .client = geteuid()});
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().what;
    thread_ = std::thread([this] { loop_.run(); });
  }

  // `words` are separated by spaces; the socket and empty folders are added.
  int ctl(const std::string& line) {
    std::vector<std::string> arguments{"--socket", socket_};
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      arguments.push_back(word);
    }
    if (arguments[2] == "show") {
      arguments.insert(arguments.end(), {"--bpffs", folder_, "--state", folder_});
    }
    std::ostringstream out;
    std::ostringstream err;
    const int code = run(arguments, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string folder_;
  std::string socket_;
  std::string out_;
  std::string err_;
  test::FakeControl control_;
  EventLoop loop_;
  std::unique_ptr<ApiServer> server_;
  std::thread thread_;
};

TEST_F(Run, NetworkIsCreatedAndShown) {
  start_daemon();
  EXPECT_EQ(ctl("network create blue --subnet 10.1.0.0/24 --mtu 1400"), 0) << err_;
  EXPECT_EQ(control_.created->container_mtu, 1400U);
  EXPECT_EQ(out_.rfind("name           blue\n", 0), 0U) << out_;
  EXPECT_EQ(ctl("network list"), 0);
  EXPECT_EQ(out_.rfind("NAME  ID", 0), 0U);
  EXPECT_EQ(ctl("network inspect a%b"), 0);
  EXPECT_EQ(control_.name, "a%b");
  EXPECT_EQ(ctl("network rm blue"), 0);
  EXPECT_EQ(out_, "removed network blue\n");
}

TEST_F(Run, EveryCommandHasJson) {
  start_daemon();
  for (const std::string line :
       {"network create blue --subnet 10.1.0.0/24", "network list", "network inspect blue",
        "network rm blue", "attach blue --netns a", "detach web", "show fdb", "show neigh",
        "show vteps", "show endpoints", "show endpoints --stale", "show drops", "show status",
        "diff", "repair"}) {
    ctl(line + " --json");
    EXPECT_EQ(out_.rfind("{\n  \"schema\": 1,\n", 0), 0U) << line << "\n" << out_ << err_;
    EXPECT_EQ(err_, "") << line;
  }
}

TEST_F(Run, AttachReportsHostsThatDidNotConfirm) {
  control_.attach_reply.timed_out = true;
  control_.attach_reply.hosts = {{*IpAddress::parse("192.0.2.2"), "b", "missing"},
                                 {*IpAddress::parse("192.0.2.3"), "c", "acknowledged"},
                                 {*IpAddress::parse("192.0.2.4"), "", "missing"}};
  start_daemon();
  EXPECT_EQ(ctl("attach blue --netns web --wait=1"), 3);
  EXPECT_EQ(control_.attached->wait, std::chrono::seconds(1));
  EXPECT_EQ(out_.rfind("attached: web to network blue\n", 0), 0U);
  EXPECT_EQ(err_,
            "error: attached, but not confirmed within 1 s by 192.0.2.2 (b), 192.0.2.4; "
            "look at vtepd there\n");
}

TEST_F(Run, DetachByPlace) {
  start_daemon();
  EXPECT_EQ(ctl("detach blue --netns web"), 0);
  EXPECT_EQ(control_.detached->netns_path, "/run/netns/web");
  EXPECT_EQ(out_, "detached: web from network blue\n");
}

TEST_F(Run, ErrorsOfTheDaemonAreOneLine) {
  control_.failure = Error{ErrorKind::Conflict, "network 'blue' exists\nalready"};
  start_daemon();
  EXPECT_EQ(ctl("network create blue --subnet 10.1.0.0/24"), 1);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "error: network 'blue' exists?already\n");
  EXPECT_EQ(ctl("show fdb"), 1);
}

TEST_F(Run, HealthIsTheExitCode) {
  start_daemon();
  EXPECT_EQ(ctl("show status"), 1);
  EXPECT_EQ(out_.rfind("health      degraded\n", 0), 0U);
}

TEST_F(Run, DifferencesAreTheExitCode) {
  EXPECT_EQ(ctl("diff"), 2) << "no daemon";
  start_daemon();
  EXPECT_EQ(ctl("diff"), 0);
  EXPECT_EQ(out_, "no difference\n");
  control_.difference_rows = {{.kind = "count-off", .network = "blue", .object = "endpoint_count"}};
  EXPECT_EQ(ctl("diff"), 1);
  EXPECT_EQ(out_.rfind("NETWORK  KIND       OBJECT", 0), 0U) << out_;
  control_.failure = Error{ErrorKind::Unavailable, "the store has been away for 3 s"};
  EXPECT_EQ(ctl("diff"), 2);
  EXPECT_EQ(err_, "error: the store has been away for 3 s\n");
}

TEST_F(Run, RepairFailsIfOneActionDoes) {
  start_daemon();
  EXPECT_EQ(ctl("repair"), 0);
  EXPECT_EQ(out_, "nothing to mend\n");
  EXPECT_FALSE(control_.repaired->dry_run || control_.repaired->host || control_.repaired->leaked);
  control_.repair_rows = {{.kind = "count-off", .state = "done"},
                          {.kind = "orphan", .state = "planned"}};
  EXPECT_EQ(ctl("repair --dry-run --leaked --host 192.0.2.7"), 0);
  EXPECT_TRUE(control_.repaired->dry_run && control_.repaired->leaked);
  EXPECT_EQ(control_.repaired->host, *IpAddress::parse("192.0.2.7"));
  control_.repair_rows.back().state = "changed";
  EXPECT_EQ(ctl("repair"), 1);
  EXPECT_EQ(ctl("repair --host b"), 2);
  EXPECT_NE(err_.find("--host"), std::string::npos) << err_;
}

TEST_F(Run, StaleEndpointsAreShownWithTheReason) {
  start_daemon();
  EXPECT_EQ(ctl("show endpoints --stale"), 0);
  EXPECT_NE(out_.find("its host is gone for 12 s"), std::string::npos) << out_;
  EXPECT_EQ(ctl("show endpoints --stale --network red"), 0);
  EXPECT_EQ(out_.find("web"), std::string::npos) << out_;
}

TEST_F(Run, RowsOfOneNetworkOnly) {
  control_.fdb_rows.resize(2);
  control_.fdb_rows[0].network = "blue";
  control_.fdb_rows[1].network = "red";
  start_daemon();
  EXPECT_EQ(ctl("show fdb --network red --json"), 0);
  const auto rows = from_json<std::vector<FdbView>>(out_);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().network, "red");
}

TEST_F(Run, WithoutDaemonChangesFailAndSayHowToStartIt) {
  EXPECT_EQ(ctl("network list"), 1);
  EXPECT_EQ(err_, "error: vtepd is not running: nobody serves " + socket_ +
                      "; start it with: systemctl start vtepd, or: vtepd run -c FILE (another "
                      "instance: --instance NAME)\n");
}

TEST_F(Run, WithoutDaemonStatusIsDown) {
  EXPECT_EQ(ctl("show status"), 2);
  EXPECT_EQ(out_.rfind("health     down\n", 0), 0U) << out_;
  EXPECT_EQ(err_, "daemon is not running: showing what is in the kernel and the saved state\n");
  EXPECT_EQ(ctl("show status --json"), 2);
  const auto status = from_json<StatusView>(out_);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->health, Health::Down);
  EXPECT_EQ(status->pid, 0);
}

TEST_F(Run, WithoutDaemonSavedEndpointsAreShown) {
  EXPECT_EQ(ctl("show endpoints"), 0) << err_;
  EXPECT_EQ(out_.rfind("NETWORK", 0), 0U);
  EXPECT_EQ(err_, "daemon is not running: showing what is in the kernel and the saved state\n");
}

TEST_F(Run, WithoutDaemonAndMapsShowFails) {
  EXPECT_EQ(ctl("show fdb"), 1);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_.rfind("error: vtepd is not running", 0), 0U);
}

// Serves one client with the given bytes.
class Garbage {
 public:
  Garbage(const std::string& path, const std::string& bytes) : fd_(*listen_unix(path)) {
    thread_ = std::thread([this, bytes] {
      int client = -1;
      while ((client = accept(fd_.get(), nullptr, nullptr)) < 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      char request[4096];
      (void)recv(client, request, sizeof request, 0);
      (void)::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      close(client);
    });
  }

  ~Garbage() { thread_.join(); }

  Garbage(const Garbage&) = delete;
  Garbage& operator=(const Garbage&) = delete;

 private:
  UniqueFd fd_;
  std::thread thread_;
};

std::string http(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(Run, GarbageAnswersAreErrorsNotCrashes) {
  for (const auto& bytes :
       {std::string(), std::string("\0\xff\n\n", 4), std::string("SSH-2.0-OpenSSH\r\n"),
        std::string("HTTP/1.1 200 OK\r\n\r\n"), http(200, ""), http(200, "[]"),
        http(200, R"({"schema":2,"status":{}})"), http(200, R"({"schema":1,"status":{"pid":"x"}})"),
        http(200, std::string(100000, '[')), http(500, "oops"), http(404, R"({"schema":1})"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
        http(200, R"({"schema":1,"status":{}})").substr(0, 50)}) {
    Garbage garbage(socket_, bytes);
    EXPECT_EQ(ctl("show status"), 2) << bytes.substr(0, 60);
    EXPECT_EQ(out_, "") << bytes.substr(0, 60);
    EXPECT_EQ(err_.rfind("error: ", 0), 0U) << bytes.substr(0, 60) << err_;
    EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1) << err_;
  }
}

TEST_F(Run, VersionNeedsNoDaemon) {
  EXPECT_EQ(ctl("version"), 0);
  EXPECT_EQ(out_.rfind("vtepctl ", 0), 0U);
}

TEST_F(Run, LongSocketPathIsRefused) {
  socket_ = "/" + std::string(200, 'x');
  EXPECT_EQ(ctl("network list"), 1);
  EXPECT_NE(err_.find("longer than 107 bytes"), std::string::npos) << err_;
}

}  // namespace
}  // namespace vtepd::ctl
