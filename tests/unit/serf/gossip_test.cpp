// SPDX-License-Identifier: GPL-2.0-only
// The adapter against an agent that is made up, and says what a real one never would.
#include "captured_frames.h"
#include "serf/serf_gossip.h"

#include <array>
#include <condition_variable>
#include <functional>
#include <latch>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace vtepd {
namespace {

using serf::captured::bytes;
using Kind = GossipNotice::Kind;

std::string well(int seq) {
  return std::string(
             "\x82\xa5"
             "Error\xa0\xa3Seq") +
         static_cast<char>(seq);
}

// Answers what begins a connection (handshake 1, stream 2), then, after go(), says the text. One
// connection after the other, each with the next text; after the last it listens no more.
class MadeUpAgent {
 public:
  explicit MadeUpAgent(std::vector<std::string> texts) : texts_(std::move(texts)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    EXPECT_EQ(getsockname(listener_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }

  ~MadeUpAgent() {
    go();
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  MadeUpAgent(const MadeUpAgent&) = delete;
  MadeUpAgent& operator=(const MadeUpAgent&) = delete;

  // Says the texts from now on.
  void go() {
    if (!go_.try_wait()) {
      go_.count_down();
    }
  }

  [[nodiscard]] SerfOptions options() const {
    SerfOptions options;
    options.found = SerfOptions::Found{{IpAddress::v4(INADDR_LOOPBACK), port_}, ""};
    options.timing.answer = std::chrono::seconds(5);
    options.timing.beat = std::chrono::seconds(60);
    options.timing.retry_first = std::chrono::milliseconds(1);
    return options;
  }

 private:
  void serve() {
    for (const auto& text : texts_) {
      const UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) {
        return;
      }
      say(peer.get(), well(1) + well(2));
      go_.wait();
      say(peer.get(), text);
      std::array<char, 4096> ignored{};
      while (recv(peer.get(), ignored.data(), ignored.size(), 0) > 0) {
      }
    }
  }

  static void say(int peer, std::string_view text) {
    while (!text.empty()) {
      const auto sent = send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  std::vector<std::string> texts_;
  std::latch go_{1};
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

class Heard {
 public:
  std::function<void(const GossipNotice&)> callback() {
    return [this](const GossipNotice& notice) {
      const std::lock_guard guard(mutex_);
      notices_.push_back(notice);
      wake_.notify_all();
    };
  }

  bool wait(Kind kind, const std::string& text) {
    std::unique_lock guard(mutex_);
    return wake_.wait_for(guard, std::chrono::seconds(20), [&] {
      for (const auto& notice : notices_) {
        if (notice.kind == kind && (notice.name + notice.reason).find(text) != std::string::npos) {
          return true;
        }
      }
      return false;
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<GossipNotice> notices_;
};

TEST(SerfGossip, CountsAndSkipsAMalformedRecord) {
  auto broken = bytes(serf::captured::kPlainEvent);
  broken.replace(broken.find("LTime"), 5, "Xtime");
  MadeUpAgent agent({broken + bytes(serf::captured::kPlainEvent)});
  const auto gossip = SerfGossip::start(agent.options());
  ASSERT_TRUE(gossip);
  Heard heard;
  const auto subscription = (*gossip)->subscribe(heard.callback());
  ASSERT_TRUE(heard.wait(Kind::Recovered, ""));
  agent.go();
  EXPECT_TRUE(heard.wait(Kind::Event, "e"));
  EXPECT_EQ((*gossip)->counters().malformed, 1u);
  EXPECT_EQ((*gossip)->counters().outages, 0u);
}

struct Fatal {
  const char* name;
  std::string bytes;
  const char* reason;
};

class SerfGossipRenews : public testing::TestWithParam<Fatal> {};

TEST_P(SerfGossipRenews, AConnectionThatIsOutOfStep) {
  MadeUpAgent agent({GetParam().bytes, bytes(serf::captured::kPlainEvent)});
  const auto gossip = SerfGossip::start(agent.options());
  ASSERT_TRUE(gossip);
  Heard heard;
  const auto subscription = (*gossip)->subscribe(heard.callback());
  ASSERT_TRUE(heard.wait(Kind::Recovered, ""));
  agent.go();
  EXPECT_TRUE(heard.wait(Kind::Event, "e")) << "over the second connection";
  EXPECT_TRUE(heard.wait(Kind::Outage, GetParam().reason));
  EXPECT_EQ((*gossip)->counters().malformed, 1u);
  EXPECT_EQ((*gossip)->counters().outages, 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Bytes, SerfGossipRenews,
    testing::Values(Fatal{"garbage", "\xc1\xc1\xc1", "a frame is not msgpack"},
                    Fatal{"number_of_no_request", well(9), "answers request 9, which is not open"},
                    Fatal{"header_without_error", std::string("\x81\xa3Seq\x02"),
                          "header: field 'Error' is missing"},
                    Fatal{"claims_4_billion", well(2) + "\xdf\xff\xff\xff\xff",
                          "more elements or depth than any frame"},
                    Fatal{"larger_than_any_frame",
                          well(2) +
                              std::string("\x81\xa5"
                                          "Event\xdb\x7f\xff\xff\xff",
                                          12) +
                              std::string(serf::ObjectReader::kMaxBytes + 1, 'x'),
                          "a frame is larger than 8388608 bytes"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(SerfGossip, NamesWhatItNeeds) {
  const auto gossip = SerfGossip::start({});
  ASSERT_FALSE(gossip);
  EXPECT_EQ(gossip.error().kind, ErrorKind::Invalid);
}

}  // namespace
}  // namespace vtepd
