// SPDX-License-Identifier: GPL-2.0-only
#include "serf/decode.h"

#include "captured_frames.h"
#include "serf/encode.h"
#include "serf/object_reader.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::serf {
namespace {

using captured::bytes;
using testing::HasSubstr;

std::vector<std::string> cut(const std::string& stream) {
  ObjectReader reader;
  reader.feed(stream);
  std::vector<std::string> objects;
  for (;;) {
    const auto object = reader.next();
    EXPECT_TRUE(object.has_value()) << object.error().what;
    if (!object || !*object) {
      return objects;
    }
    objects.push_back(**object);
  }
}

TEST(ObjectReader, FindsTheObjectsOfACapturedStreamCutAnywhere) {
  const auto stream = bytes(captured::kQueryRecords);
  const auto whole = cut(stream);
  ASSERT_EQ(whole.size(), 11u);  // of five records with their headers, and the header of the answer
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    ObjectReader reader;
    std::vector<std::string> objects;
    for (const auto& part : {stream.substr(0, at), stream.substr(at)}) {
      reader.feed(part);
      for (auto object = reader.next(); object && *object; object = reader.next()) {
        objects.push_back(**object);
      }
    }
    ASSERT_EQ(objects, whole) << "cut at " << at;
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

struct BadBytes {
  const char* name;
  std::string bytes;
};

class ObjectReaderRefuses : public testing::TestWithParam<BadBytes> {};

TEST_P(ObjectReaderRefuses, WithoutWaitingForMore) {
  ObjectReader reader;
  reader.feed(GetParam().bytes);
  EXPECT_FALSE(reader.next().has_value());
}

INSTANTIATE_TEST_SUITE_P(Bytes, ObjectReaderRefuses,
                         testing::Values(BadBytes{"never_used_byte", "\xc1"},
                                         BadBytes{"map_of_4_billion", "\xdf\xff\xff\xff\xff"},
                                         BadBytes{"array_of_4_billion", "\xdd\xff\xff\xff\xff"},
                                         BadBytes{"nested_too_deep", std::string(9, '\x91')},
                                         BadBytes{"string_over_the_limit",
                                                  std::string("\xdb\xff\xff\xff\xff", 5) +
                                                      std::string(ObjectReader::kMaxBytes, 'x')}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(ObjectReader, WaitsForTheRestOfALongString) {
  ObjectReader reader;
  reader.feed(std::string("\xda\x01\x00", 3));
  const auto early = reader.next();
  ASSERT_TRUE(early.has_value());
  EXPECT_FALSE(early->has_value());
  reader.feed(std::string(256, 'x'));
  const auto late = reader.next();
  ASSERT_TRUE(late.has_value());
  EXPECT_TRUE(late->has_value());
}

TEST(Decode, ReadsCapturedHeaders) {
  const auto well = decode_header(bytes(captured::kHandshake));
  ASSERT_TRUE(well.has_value());
  EXPECT_EQ(well->seq, 1u);
  EXPECT_EQ(well->error, "");
  const auto refused = decode_header(bytes(captured::kInvalidToken));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->error, "Invalid authentication token");
}

TEST(Decode, ReadsACapturedUserEvent) {
  const auto event = decode_record(cut(bytes(captured::kEvent)).at(2));
  ASSERT_TRUE(event.has_value()) << event.error().what;
  EXPECT_EQ(event->kind, GossipNotice::Kind::Event);
  EXPECT_EQ(event->name, "jl 127.0.0.1 " + std::string(64, 'a') + " " + std::string(64, 'b'));
  EXPECT_EQ(event->payload, "join 192.168.0.3 255.255.255.0 02:42:c0:a8:00:03");
  EXPECT_EQ(event->ltime, 1u);
  const auto plain = decode_record(cut(bytes(captured::kPlainEvent)).at(1));
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->payload, std::string(200, 'x'));
}

TEST(Decode, ReadsACapturedQuery) {
  const auto query = decode_record(cut(bytes(captured::kQueryHeard)).at(1));
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->kind, GossipNotice::Kind::Query);
  EXPECT_EQ(query->name, "peerlookup");
  EXPECT_EQ(query->payload, std::string(64, 'a') + " 192.168.0.3");
  EXPECT_EQ(query->query.id, 1u);
}

TEST(Decode, ReadsCapturedQueryRecords) {
  const auto objects = cut(bytes(captured::kQueryRecords));
  std::vector<QueryRecord::Kind> kinds;
  for (const std::size_t i : {4u, 6u, 8u, 10u}) {
    const auto record = decode_query_record(objects.at(i));
    ASSERT_TRUE(record.has_value());
    kinds.push_back(record->kind);
    if (record->kind == QueryRecord::Kind::Response) {
      EXPECT_EQ(record->from, "h2-vtepd");
      EXPECT_EQ(record->payload, "02:42:c0:a8:00:03 255.255.255.0 127.0.0.2");
    }
  }
  using enum QueryRecord::Kind;
  EXPECT_EQ(kinds, (std::vector{Ack, Ack, Response, Done}));
}

TEST(Decode, ReadsCapturedMembers) {
  const auto members = decode_members(cut(bytes(captured::kMembers)).at(1));
  ASSERT_TRUE(members.has_value()) << members.error().what;
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ(members->at(1).name, "h2-vtepd");
  EXPECT_EQ(members->at(1).address.to_string(), "127.0.0.2");
  EXPECT_EQ(members->at(1).port, 7947);
  EXPECT_EQ(members->at(1).status, "alive");
  const auto failed = decode_record(cut(bytes(captured::kMemberFailed)).at(1));
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->kind, GossipNotice::Kind::MemberFailed);
  EXPECT_EQ(failed->members.at(0).status, "failed");
}

TEST(Decode, ReadsCapturedJoins) {
  EXPECT_EQ(decode_join(cut(bytes(captured::kJoinAndMember)).at(1)).value_or(9), 1u);
  const auto failed = cut(bytes(captured::kJoinFailed));
  EXPECT_THAT(decode_header(failed.at(0))->error, HasSubstr("connection refused"));
  EXPECT_EQ(decode_join(failed.at(1)).value_or(9), 0u);
}

struct BadRecord {
  const char* name;
  std::string from;  // in the captured event's record
  std::string to;
  const char* message;
};

class DecodeRefuses : public testing::TestWithParam<BadRecord> {};

TEST_P(DecodeRefuses, NamingTheField) {
  auto record = cut(bytes(captured::kEvent)).at(2);
  const auto at = record.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  record.replace(at, GetParam().from.size(), GetParam().to);

  const auto decoded = decode_record(record);

  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().kind, ErrorKind::Invalid);
  EXPECT_THAT(decoded.error().what, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Records, DecodeRefuses,
    testing::Values(
        BadRecord{"no_event",
                  "\xa5"
                  "Event",
                  "\xa5"
                  "Xvent",
                  "record: field 'Event' is missing"},
        BadRecord{"unknown_kind", "user", "uset", "field 'Event' is of no kind"},
        BadRecord{"no_name", "\xa4Name", "\xa4Nome", "field 'Name' is missing"},
        BadRecord{"no_payload", "Payload", "Xayload", "field 'Payload' is missing"},
        BadRecord{"negative_time", "LTime\x01", "LTime\xff", "field 'LTime' is no number"},
        BadRecord{"time_is_text", "LTime\x01", "LTime\xa0", "field 'LTime' is no number"},
        BadRecord{"members_of_an_event", "user", "\xabmember-join", "record"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Decode, RefusesAMemberWithoutAnAddress) {
  auto record = cut(bytes(captured::kMemberFailed)).at(1);
  record.replace(record.find("Addr"), 4, "Eddr");
  const auto decoded = decode_record(record);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_THAT(decoded.error().what, HasSubstr("member: field 'Addr' is missing"));
}

// The agent took these very bytes when the answers were captured, but for the newer string forms.
TEST(Encode, WritesWhatTheAgentReads) {
  EXPECT_EQ(encode_header("handshake", 1) + handshake_body(),
            "\x82\xa7"
            "Command\xa9handshake\xa3Seq\x01\x81\xa7Version\x01");
  EXPECT_EQ(auth_body("sesame"),
            "\x81\xa7"
            "AuthKey\xa6sesame");
  EXPECT_EQ(event_body({"e", "x", true}),
            "\x83\xa4Name\xa1"
            "e\xa7Payload\xc4\x01x\xa8"
            "Coalesce\xc3");
  EXPECT_EQ(respond_body(1, ""), std::string("\x82\xa2ID\x01\xa7Payload\xc4\x00", 15));
  EXPECT_EQ(join_body("192.0.2.1:7946"),
            "\x82\xa8"
            "Existing\x91\xae"
            "192.0.2.1:7946\xa6Replay\xc2");
}

}  // namespace
}  // namespace vtepd::serf
