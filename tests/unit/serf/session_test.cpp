// SPDX-License-Identifier: GPL-2.0-only
#include "serf/session.h"

#include "captured_frames.h"
#include "serf/decode.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::serf {
namespace {

using captured::bytes;
using testing::HasSubstr;
using Shape = Session::Shape;

const Error kGone{ErrorKind::Unavailable, "gone"};

// A session whose requests are numbered as those of the capture.
class SessionTest : public testing::Test {
 protected:
  struct Asked {
    std::optional<Result<Session::Reply>> reply;
    std::vector<std::string> records;
  };

  // Requests without an answer fill the numbers up to this one.
  std::shared_ptr<Asked> ask(std::uint64_t seq, const char* command, Shape shape) {
    while (last_ + 1 < seq) {
      ask(last_ + 1, "filler", Shape::Header);
    }
    ++last_;
    auto asked = std::make_shared<Asked>();
    Session::Request request;
    request.command = command;
    request.shape = shape;
    request.timeout = std::chrono::seconds(3);
    request.reply = [asked](Result<Session::Reply> reply) {
      EXPECT_FALSE(asked->reply.has_value()) << "a second reply";
      asked->reply = std::move(reply);
    };
    request.record = [asked, shape](const std::string& body) -> Result<bool> {
      asked->records.push_back(body);
      if (shape == Shape::Stream) {
        const auto notice = decode_record(body);
        return notice ? Result<bool>(false) : fail(notice.error());
      }
      const auto record = decode_query_record(body);
      return record ? Result<bool>(record->kind == QueryRecord::Kind::Done) : fail(record.error());
    };
    session_.send(std::move(request), now_);
    return asked;
  }

  Result<void> receive(std::string_view hex) { return session_.receive(bytes(hex)); }

  Clock::time_point now_ = Clock::now();
  std::uint64_t last_ = 0;
  std::vector<std::string> malformed_;
  Session session_{[this](const Error& error) { malformed_.push_back(error.what); }};
};

TEST_F(SessionTest, GivesAReplyOnceItsHeaderIsThere) {
  const auto handshake = ask(1, "handshake", Shape::Header);
  EXPECT_FALSE(handshake->reply.has_value());
  ASSERT_TRUE(receive(captured::kHandshake));
  ASSERT_TRUE(handshake->reply && *handshake->reply);
  EXPECT_FALSE((*handshake->reply)->error);
}

TEST_F(SessionTest, ReadsTheBodyBehindAnErrorToo) {
  const auto stream = ask(2, "stream", Shape::Stream);
  const auto join = ask(6, "join", Shape::Body);
  ASSERT_TRUE(receive(captured::kStream));
  ASSERT_TRUE(receive(captured::kJoinFailed));
  ASSERT_TRUE(join->reply && *join->reply);
  ASSERT_TRUE((*join->reply)->error.has_value());
  EXPECT_THAT((*join->reply)->error->what,
              "serf join: 1 error occurred: * Failed to join 127.0.0.9: dial tcp 127.0.0.9:7947: "
              "connect: connection refused");
  EXPECT_FALSE((*join->reply)->body.empty());
  ASSERT_TRUE(receive(captured::kMemberFailed)) << "out of step";
  EXPECT_EQ(stream->records.size(), 1u);
}

TEST_F(SessionTest, ReadsABodyWhateverItHolds) {
  const auto stats = ask(3, "stats", Shape::Body);
  ASSERT_TRUE(receive(captured::kStats));
  ASSERT_TRUE(stats->reply && *stats->reply);
  EXPECT_FALSE((*stats->reply)->error);
  EXPECT_THAT((*stats->reply)->body, HasSubstr("health_score"));
}

TEST_F(SessionTest, TellsStreamAndQueryApart) {
  const auto stream = ask(2, "stream", Shape::Stream);
  const auto query = ask(10, "query", Shape::Query);
  ASSERT_TRUE(receive(captured::kStream));
  EXPECT_TRUE(stream->reply.has_value());
  ASSERT_TRUE(receive(captured::kQueryRecords));
  EXPECT_EQ(stream->records.size(), 1u);
  EXPECT_EQ(query->records.size(), 4u);
  EXPECT_TRUE(query->reply.has_value()) << "done came";
  EXPECT_TRUE(malformed_.empty());
}

TEST_F(SessionTest, SkipsAMalformedRecordAndReadsOn) {
  const auto stream = ask(2, "stream", Shape::Stream);
  ask(8, "event", Shape::Header);
  ASSERT_TRUE(receive(captured::kStream));
  auto broken = bytes(captured::kEvent);
  broken.replace(broken.find("LTime"), 5, "Xtime");
  ASSERT_TRUE(session_.receive(broken));
  ASSERT_TRUE(receive(captured::kPlainEvent));
  EXPECT_EQ(stream->records.size(), 2u);
  ASSERT_EQ(malformed_.size(), 1u);
  EXPECT_THAT(malformed_[0], HasSubstr("'LTime' is missing"));
}

struct Fatal {
  const char* name;
  std::string_view hex;
  ErrorKind kind;
};

class SessionEnds : public SessionTest, public testing::WithParamInterface<Fatal> {};

TEST_P(SessionEnds, WhenTheStreamIsOutOfStep) {
  const auto stream = ask(2, "stream", Shape::Stream);
  const auto received = receive(GetParam().hex);
  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().kind, GetParam().kind);
  session_.end(received.error());
  ASSERT_TRUE(stream->reply.has_value());
  EXPECT_FALSE(stream->reply->has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Answers, SessionEnds,
    testing::Values(Fatal{"key_missing", captured::kAuthenticationRequired, ErrorKind::Denied},
                    Fatal{"key_wrong", captured::kInvalidToken, ErrorKind::Denied},
                    Fatal{"no_handshake", captured::kHandshakeRequired, ErrorKind::Denied},
                    Fatal{"request_not_open", captured::kRespond, ErrorKind::Invalid},
                    Fatal{"header_without_number", "81a54572726f72a0", ErrorKind::Invalid},
                    Fatal{"header_is_a_list", "9102", ErrorKind::Invalid},
                    Fatal{"not_msgpack", "c1", ErrorKind::Invalid}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(SessionTest, SortsErrorsByKind) {
  const auto respond = ask(5, "respond", Shape::Header);
  const auto query = ask(12, "query", Shape::Query);
  ASSERT_TRUE(receive(captured::kRespondUnknown));
  ASSERT_TRUE(receive(captured::kInternalQuery));
  EXPECT_EQ((*respond->reply)->error->kind, ErrorKind::NotFound);
  EXPECT_EQ((*query->reply)->error->kind, ErrorKind::Invalid);
  EXPECT_THAT((*query->reply)->error->what, HasSubstr("serf query: Queries cannot contain"));
}

TEST_F(SessionTest, AnAnswerThatIsOverdueIsNamed) {
  ask(1, "handshake", Shape::Header);
  EXPECT_EQ(session_.deadline(), now_ + std::chrono::seconds(3));
  EXPECT_TRUE(session_.check(now_ + std::chrono::milliseconds(2999)));
  const auto late = session_.check(now_ + std::chrono::seconds(3));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().what, "no answer to 'handshake' within 3000 ms");
}

TEST_F(SessionTest, AnOpenStreamIsNeverOverdue) {
  ask(2, "stream", Shape::Stream);
  session_.end(kGone);
  const auto stream = ask(3, "stream", Shape::Stream);
  ASSERT_TRUE(
      session_.receive("\x82\xa5"
                       "Error\xa0\xa3Seq\x03"));
  EXPECT_EQ(session_.deadline(), std::nullopt);
  EXPECT_TRUE(session_.check(now_ + std::chrono::hours(1)));
  EXPECT_TRUE(stream->reply.has_value());
}

TEST_F(SessionTest, RefusesRequestsThatTheAgentDoesNotRead) {
  Session::Request request;
  request.command = "event";
  request.body = std::string(Session::kMaxOutput, 'x');
  std::optional<Result<Session::Reply>> reply;
  request.reply = [&](Result<Session::Reply> r) { reply = std::move(r); };
  session_.send(request, now_);
  EXPECT_FALSE(reply.has_value());
  session_.send(request, now_);
  ASSERT_TRUE(reply && !*reply);
  EXPECT_EQ(reply->error().kind, ErrorKind::Exhausted);
}

}  // namespace
}  // namespace vtepd::serf
