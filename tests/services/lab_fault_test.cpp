// SPDX-License-Identifier: GPL-2.0-only
// Two hosts whose way to a real Consul leads through a server that now and then answers wrongly.
#include "services/scripted_server.h"
#include "support/consul_lab.h"
#include "support/sockets.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <iostream>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>

#include <sys/socket.h>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using Reply = ScriptedServer::Reply;
using Request = ScriptedServer::Request;

constexpr const char* kWayAddress = "10.99.0.253";

struct Wrong {
  const char* name;
  std::function<Reply(Reply)> change;  // of the right answer
  const char* says;                    // a part of what the status shows

  friend std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
    return out << wrong.name;
  }
};

Reply half_of(Reply reply) {
  reply.bytes.resize(reply.bytes.size() * 2 / 3);
  reply.close = true;
  return reply;
}

const Wrong kWrong[] = {
    {"status500", [](auto) { return ScriptedServer::plain(500, "No cluster leader"); },
     "No cluster leader"},
    {"status429", [](auto) { return ScriptedServer::plain(429, "Too many"); }, "(429)"},
    {"status403", [](auto) { return ScriptedServer::plain(403, "Permission denied"); },
     "permission denied (403)"},
    {"garbage", [](auto) { return ScriptedServer::answer(200, "<html>hello</html>"); },
     "not what Consul sends"},
    {"half_a_body", half_of, "is away"},
    {"over_the_limit",
     [](auto) { return ScriptedServer::answer(200, "[" + std::string(3U << 20U, ' ') + "]"); },
     "over the limit"},
    {"hidden_by_an_acl", [](auto) { return ScriptedServer::answer(200, "[]"); },
     "which must be there"},
};

class ConsulWay : public testing::Test {
 protected:
  ConsulWay() {
    lab_.underlay().ip("address add " + std::string(kWayAddress) + "/24 dev br0");
    lab_.underlay().inside([this] {
      way_ = std::make_unique<ScriptedServer>([this](const Request& r) { return pass(r); },
                                              kWayAddress, 8500);
    });
    std::tie(a_, b_) = attach_neighbours(lab_);
  }

  ~ConsulWay() override { ended_ = true; }

  [[nodiscard]] static HostOptions host_options() {
    HostOptions options;
    options.store = std::string("kind = \"consul\"\nbody_limit = 1048576\naddresses = [\"http://") +
                    kWayAddress + ":8500\"]";
    return options;
  }

  // What Consul itself answers.
  Reply pass(const Request& request) {
    const Target target = resolve(kConsulAddress, 8500);
    const Socket socket(lab_.underlay(), target.family(), SOCK_STREAM);
    const std::string text = request.method + " " + request.target +
                             " HTTP/1.1\r\nHost: consul\r\nConnection: close\r\nContent-Length: " +
                             std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
    Reply reply{"", true};
    if (connect(socket.get(), target.get(), target.size) != 0 ||
        send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
      return reply;
    }
    std::array<char, 65536> buffer{};
    while (!ended_) {
      const auto got = recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got > 0) {
        reply.bytes.append(buffer.data(), static_cast<std::size_t>(got));
      } else if (got == 0 || errno != EAGAIN) {
        return reply;
      }
    }
    return reply;
  }

  // Answers to everything but the question whether the server lives. What waits is begun anew.
  void answer(std::function<Reply(Reply)> change) {
    way_->set([this, change = std::move(change)](const Request& request) {
      auto reply = pass(request);
      return request.target.starts_with("/v1/status/") ? reply : change(std::move(reply));
    });
    way_->drop_connections();
  }

  [[nodiscard]] bool says(int host, const std::string& words) {
    const Outcome status = lab_.host(host).ctl({"show", "status"});
    return status.code == 1 && status.out.find(words) != std::string::npos;
  }

  [[nodiscard]] bool well(int host) { return lab_.host(host).ctl({"show", "status"}).ok(); }

  void expect_joins_known(const std::string& address) {
    Container& c = lab_.host(2).attach("blue", address);
    await_known(lab_.host(1), c.address);
    EXPECT_TRUE(a_->pings(c.address));
  }

  std::atomic<bool> ended_{false};
  Lab lab_{{.hosts = 2, .host = host_options()}};
  std::unique_ptr<ScriptedServer> way_;
  LabConsul consul_{lab_};
  Container* a_ = nullptr;
  Container* b_ = nullptr;
};

class ConsulWrong : public ConsulWay, public testing::WithParamInterface<Wrong> {};

TEST_P(ConsulWrong, AWrongAnswerIsShownChangesNothingAndPasses) {
  answer(GetParam().change);
  for (const int host : {1, 2}) {
    EXPECT_TRUE(wait_until([&] { return says(host, "is away for") && says(host, GetParam().says); },
                           Seconds(15)))
        << lab_.host(host).ctl({"show", "status"}).text();
  }
  EXPECT_TRUE(a_->pings(b_->address));
  EXPECT_TRUE(b_->pings(a_->address));
  EXPECT_TRUE(lab_.host(1).knows(b_->address));
  EXPECT_FALSE(lab_.host(1).ctl({"network", "create", "no", "--subnet", "10.1.0.0/24"}).ok());

  StallMeter stall;
  answer([](Reply reply) { return reply; });
  const auto begin = Clock::now();
  EXPECT_TRUE(wait_until([&] { return well(1) && well(2); }, Seconds(10)))
      << lab_.host(1).ctl({"show", "status"}).text();
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);
  std::cout << "well after " << took.count() << " ms, of which the machine stood "
            << stall.worst().count() << "\n";
  EXPECT_LE(took - stall.worst(), Seconds(5));
  expect_joins_known("192.168.7.13");
}

INSTANTIATE_TEST_SUITE_P(Each, ConsulWrong, testing::ValuesIn(kWrong),
                         testing::PrintToStringParamName());

TEST_F(ConsulWay, AnIndexThatGoesBackLosesNothing) {
  answer([](Reply reply) {
    const std::string name = "X-Consul-Index: ";
    const auto at = reply.bytes.find(name);
    if (at != std::string::npos) {
      const auto begin = at + name.size();
      reply.bytes.replace(begin, reply.bytes.find("\r\n", begin) - begin, "3");
    }
    return reply;
  });
  // The connections that were dropped are an outage for a moment.
  ASSERT_TRUE(wait_until([&] { return well(1) && well(2); }, Seconds(10)));
  expect_joins_known("192.168.7.13");
  EXPECT_TRUE(lab_.host(1).knows(b_->address));
  EXPECT_TRUE(a_->pings(b_->address));
  answer([](Reply reply) { return reply; });
  ASSERT_TRUE(wait_until([&] { return well(1) && well(2); }, Seconds(10)));
  expect_joins_known("192.168.7.14");
  EXPECT_TRUE(well(1)) << lab_.host(1).ctl({"show", "status"}).text();
}

}  // namespace

}  // namespace vtepd::test
