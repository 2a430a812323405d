// SPDX-License-Identifier: GPL-2.0-only
// What a Consul that misbehaves makes of reads, writes and watches, with a server that says what
// the test wants. Beside each wrong answer the same script gives the right one.
#include "services/consul_bed.h"
#include "services/scripted_server.h"
#include "unit/contract/kv_store_contract.h"

#include <atomic>
#include <functional>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using Reply = ScriptedServer::Reply;
using Request = ScriptedServer::Request;
using Events = std::vector<KvEvent>;

const std::string kOne =
    "[" + pair_json("t/marker", "", 5) + "," + pair_json("t/a", "MQ==", 7) + "]";

bool is_probe(const Request& request) {
  return request.target.starts_with("/v1/status/leader");
}

Reply leader() {
  return ScriptedServer::plain(200, "\"127.0.0.1:8300\"");
}

// The blocking query of a watch that nothing happens to: held a little, then answered alike.
Reply held(const Reply& reply) {
  sleep_for(Milliseconds(200));
  return reply;
}

struct Fault {
  const char* name;
  std::function<Reply(const Request&)> script;
  const char* says;  // a part of the message

  friend std::ostream& operator<<(std::ostream& out, const Fault& fault) {
    return out << fault.name;
  }
};

const Fault kFaults[] = {
    {"status500", [](auto&) { return ScriptedServer::plain(500, "No cluster leader"); },
     "status 500: No cluster leader"},
    {"status429", [](auto&) { return ScriptedServer::plain(429, "Your IP is issuing too many"); },
     "(429)"},
    {"status403", [](auto&) { return ScriptedServer::plain(403, "Permission denied"); },
     "permission denied (403)"},
    {"status503", [](auto&) { return ScriptedServer::plain(503, ""); }, "status 503"},
    {"redirect",
     [](auto&) {
       return Reply{"HTTP/1.1 301 M\r\nLocation: /v1/kv/else\r\nContent-Length: 0\r\n\r\n", false};
     },
     "status 301"},
    {"garbage",
     [](auto&) {
       return Reply{"\x16\x03\x01 what is this\r\n\r\n", true};
     },
     ""},
    {"garbage_body", [](auto&) { return ScriptedServer::answer(200, "<html>hello</html>"); },
     "not what Consul sends"},
    {"half_a_body",
     [](auto&) {
       auto reply = ScriptedServer::answer(200, kOne);
       reply.bytes.resize(reply.bytes.size() - 20);
       reply.close = true;
       return reply;
     },
     ""},
    {"half_a_document",
     [](auto&) { return ScriptedServer::answer(200, kOne.substr(0, kOne.size() - 20)); },
     "not what Consul sends"},
    {"half_a_chunk",
     [](auto&) {
       return Reply{
           "HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nX-Consul-KnownLeader: true\r\n"
           "Transfer-Encoding: chunked\r\n\r\n40\r\n[",
           true};
     },
     ""},
    {"too_large",
     [](auto&) { return ScriptedServer::answer(200, "[" + std::string(3U << 20U, ' ') + "]"); },
     "over the limit of 1048576 bytes"},
    {"no_leader", [](auto&) { return ScriptedServer::answer(200, kOne, "7", "false"); },
     "knows no leader"},
    {"empty_without_leader", [](auto&) { return ScriptedServer::answer(404, "", "7", "false"); },
     "knows no leader"},
    {"no_index", [](auto&) { return ScriptedServer::answer(200, kOne, ""); }, "no X-Consul-Index"},
    {"not_found_of_a_proxy", [](auto&) { return ScriptedServer::plain(404, "not here"); },
     "knows no leader"},
    {"another_prefix",
     [](auto&) { return ScriptedServer::answer(200, "[" + pair_json("other", "MQ==", 7) + "]"); },
     "was not asked for"},
    {"a_key_twice",
     [](auto&) {
       return ScriptedServer::answer(
           200, "[" + pair_json("t/a", "MQ==", 7) + "," + pair_json("t/a", "Mg==", 7) + "]");
     },
     "comes twice"},
    {"no_base64",
     [](const Request& request) {
       const bool list = request.target.find("recurse") != std::string::npos;
       return ScriptedServer::answer(200,
                                     "[" + pair_json("t/a", "M*==", 8) +
                                         (list ? "," + pair_json("t/marker", "", 5) : "") + "]",
                                     "8");
     },
     "no base64"},
    {"silence",
     [](auto&) {
       return Reply{"", false};
     },
     ""},
};

class ConsulFault : public testing::TestWithParam<Fault> {
 protected:
  ConsulFault() {
    auto options = store_options(server_.url());
    options.body_limit = 1U << 20U;
    options.stall = Milliseconds(500);
    options.watch_wait = Seconds(1);
    store_ = open_store(options);
  }

  // Every fault, until the test says otherwise; the question for the leader is answered.
  void break_it() {
    server_.set([](const Request& request) {
      return is_probe(request) ? leader() : GetParam().script(request);
    });
  }

  void mend_it() { server_.set(good()); }

  static ScriptedServer::Script good() {
    return [](const Request& request) {
      if (is_probe(request)) {
        return leader();
      }
      const auto reply = request.target.find("recurse") == std::string::npos
                             ? ScriptedServer::answer(200, "[" + pair_json("t/a", "MQ==", 7) + "]")
                             : ScriptedServer::answer(200, kOne);
      return request.target.find("index=") == std::string::npos ? reply : held(reply);
    };
  }

  ScriptedServer server_{good()};
  std::unique_ptr<ConsulStore> store_;
};

TEST_P(ConsulFault, AReadFailsAsUnavailableAndTheNextWorks) {
  break_it();
  const auto got = store_->get("t/a");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::Unavailable) << got.error().what;
  EXPECT_NE(got.error().what.find(GetParam().says), std::string::npos) << got.error().what;
  const auto listed = store_->list("t/");
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind, ErrorKind::Unavailable) << listed.error().what;

  mend_it();
  const auto good = store_->get("t/a");
  ASSERT_TRUE(good) << good.error().what;
  EXPECT_EQ((*good)->value, "1");
  EXPECT_EQ(store_->list("t/")->size(), 2U);
}

TEST_P(ConsulFault, AWatchReportsAnOutageDeletesNothingAndRecovers) {
  Recorder recorder;
  const auto watch = store_->watch(scope_of("t/", "t/marker"), recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));
  ASSERT_EQ(recorder.events().front().kind, KvEvent::Kind::Snapshot);

  break_it();
  ASSERT_TRUE(recorder.wait_for([](const Events& events) {
    return events.back().kind == KvEvent::Kind::Outage;
  })) << recorder.events().size();
  EXPECT_NE(recorder.events().back().reason.find(GetParam().says), std::string::npos)
      << recorder.events().back().reason;
  EXPECT_EQ(replay(recorder.events()).size(), 2U);

  mend_it();
  EXPECT_TRUE(recorder.wait_for(
      [](const Events& events) { return events.back().kind == KvEvent::Kind::Snapshot; },
      Seconds(5)));
  const auto events = recorder.events();
  EXPECT_EQ(events[events.size() - 2].kind, KvEvent::Kind::Recovered);
  EXPECT_EQ(replay(events).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Each, ConsulFault, testing::ValuesIn(kFaults),
                         testing::PrintToStringParamName());

TEST(ConsulAnswers, AnIndexThatGoesBackBeginsAnew) {
  std::atomic<int> round{0};
  ScriptedServer server([&](const Request& request) {
    if (is_probe(request)) {
      return leader();
    }
    const std::string body = "[" + pair_json("t/a", round < 1 ? "MQ==" : "Mg==", 3) + "]";
    switch (round++) {
      case 0:
        return ScriptedServer::answer(200, body, "9");
      case 1:
        return ScriptedServer::answer(200, body, "4");
      default:
        return held(ScriptedServer::answer(200, body, "4"));
    }
  });
  const auto store = open_store(server.url());
  Recorder recorder;
  const auto watch = store->watch("t/", recorder.callback());

  ASSERT_TRUE(recorder.wait_for([](const Events& events) {
    return replay(events) == decltype(replay(events)){{"t/a", "2"}};
  })) << "the key's own index says nothing any more";
  ASSERT_TRUE(wait_until([&] { return server.requests().size() >= 3; }, Seconds(5)));
  const auto requests = server.requests();
  ASSERT_GE(requests.size(), 3U);
  EXPECT_EQ(requests[0].target.find("index="), std::string::npos);
  EXPECT_NE(requests[1].target.find("index=9"), std::string::npos);
  EXPECT_EQ(requests[2].target.find("index="), std::string::npos);
}

TEST(ConsulAnswers, AnIndexOfZeroIsNeverSentAndReadsAreLimited) {
  ScriptedServer server([&](const Request& request) {
    return is_probe(request) ? leader() : ScriptedServer::answer(200, kOne, "0");
  });
  const auto store = open_store(server.url());
  Recorder recorder;
  const auto begin = Clock::now();
  {
    const auto watch = store->watch("t/", recorder.callback());
    ASSERT_TRUE(wait_until([&] { return server.requests().size() >= 12; }, Seconds(10)));
  }
  // A burst of five, then ten a second.
  EXPECT_GE(Clock::now() - begin, Milliseconds(600));
  auto requests = server.requests();
  std::erase_if(requests, is_probe);  // one comes whenever an answer takes long
  ASSERT_GE(requests.size(), 10U);
  for (std::size_t i = 1; i < requests.size(); ++i) {
    EXPECT_NE(requests[i].target.find("index=1&"), std::string::npos) << requests[i].target;
  }
}

TEST(ConsulAnswers, AMissingMarkerIsAnOutageAndAMissingKeyADeletion) {
  std::atomic<int> round{0};
  ScriptedServer server([&](const Request& request) {
    if (is_probe(request)) {
      return leader();
    }
    if (request.target.find("recurse") == std::string::npos) {
      return ScriptedServer::answer(404, "", "20");
    }
    if (round == 0) {
      return request.target.find("index=") == std::string::npos
                 ? ScriptedServer::answer(200, kOne)
                 : held(ScriptedServer::answer(200, kOne));
    }
    return held(round == 1
                    ? ScriptedServer::answer(404, "", "8")
                    : ScriptedServer::answer(200, "[" + pair_json("t/marker", "", 5) + "]", "9"));
  });
  const auto store = open_store(server.url());
  Recorder recorder;
  const auto watch = store->watch(scope_of("t/", "t/marker"), recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 2; }));

  round = 1;
  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return events.back().kind == KvEvent::Kind::Outage; }));
  EXPECT_NE(recorder.events().back().reason.find("lacks 't/marker'"), std::string::npos);
  EXPECT_EQ(replay(recorder.events()).size(), 2U);

  round = 2;
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 1; }));
}

TEST(ConsulAnswers, AKeyThatIsHiddenIsAnOutageAndNoDeletion) {
  std::atomic<bool> hidden{false};
  ScriptedServer server([&](const Request& request) {
    if (is_probe(request)) {
      return leader();
    }
    if (request.target.find("recurse") == std::string::npos) {
      return ScriptedServer::plain(403, "Permission denied");
    }
    return held(ScriptedServer::answer(
        200, hidden ? "[" + pair_json("t/marker", "", 5) + "]" : kOne, hidden ? "8" : "7"));
  });
  const auto store = open_store(server.url());
  Recorder recorder;
  const auto watch = store->watch(scope_of("t/", "t/marker"), recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 2; }));

  hidden = true;

  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return events.back().kind == KvEvent::Kind::Outage; }));
  EXPECT_NE(recorder.events().back().reason.find("permission denied"), std::string::npos);
  EXPECT_EQ(replay(recorder.events()).size(), 2U);
  hidden = false;
  EXPECT_TRUE(recorder.wait_for([](const Events& events) {
    return events.back().kind == KvEvent::Kind::Snapshot && events.size() > 1;
  }));
}

TEST(ConsulAnswers, OneThatLacksTheKeyAskedForIsDoubted) {
  std::string body;
  ScriptedServer server([&](const Request&) { return ScriptedServer::answer(200, body); });
  const auto store = open_store(server.url());
  for (const auto& wrong : {std::string("[]"), "[" + pair_json("t/ab", "MQ==", 7) + "]"}) {
    body = wrong;
    const auto got = store->get("t/a");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::Unavailable);
    EXPECT_NE(got.error().what.find("lacks that key, which must be there"), std::string::npos)
        << got.error().what;
  }

  body = "[" + pair_json("t/a", "MQ==", 7) + "]";
  EXPECT_EQ((*store->get("t/a"))->value, "1");
}

TEST(ConsulAnswers, ANextServerServesReadsAndWritesThatWereNotSent) {
  ScriptedServer good([](const Request& request) {
    return request.method == "GET"
               ? ScriptedServer::answer(200, "[" + pair_json("t/a", "MQ==", 7) + "]")
               : ScriptedServer::plain(200, "true");
  });
  ScriptedServer busy([](const Request&) { return ScriptedServer::plain(429, "busy"); });
  auto options = store_options("http://127.0.0.1:1");
  options.addresses = {"http://127.0.0.1:1", busy.url(), good.url()};
  {
    const auto store = open_store(options);
    EXPECT_TRUE(store->put("t/a", "1", 7).value());
  }
  const auto store = open_store(options);
  EXPECT_EQ((*store->get("t/a"))->value, "1");
  EXPECT_TRUE(store->put("t/a", "1", 7).value());
  EXPECT_EQ(busy.requests().size(), 2U);
}

TEST(ConsulAnswers, AWriteWhoseAnswerIsLostIsNotRepeatedElsewhere) {
  ScriptedServer good([](const Request&) { return ScriptedServer::plain(200, "true"); });
  ScriptedServer lost([](const Request&) { return Reply{"", true}; });
  auto options = store_options(lost.url());
  options.addresses = {lost.url(), good.url()};
  const auto store = open_store(options);

  const auto written = store->put("t/a", "1", 7);

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::Unavailable);
  EXPECT_EQ(lost.requests().size(), 1U);
  EXPECT_TRUE(good.requests().empty());
  EXPECT_TRUE(store->put("t/a", "1", 7).value()) << "the next goes to the other";
}

}  // namespace

}  // namespace vtepd::test
