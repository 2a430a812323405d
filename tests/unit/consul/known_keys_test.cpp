// SPDX-License-Identifier: GPL-2.0-only
// The answers of a watched scope, taken in piece by piece and compared with the last.
#include "consul/known_keys.h"

#include "consul/pair_stream.h"
#include "consul/text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::consul {

namespace {

std::string object(const std::string& key, const std::string& value, int index) {
  return R"({"LockIndex":0,"Key":")" + key + R"(","Flags":3304740253564472344,"Value":")" +
         encode_base64(value) + R"(","CreateIndex":1,"ModifyIndex":)" + std::to_string(index) + "}";
}

// "a=1 b=2": keys with values, all of them in one Put and so on.
std::string text_of(const std::vector<KvEvent>& events) {
  std::string text;
  for (const auto& event : events) {
    text += event.kind == KvEvent::Kind::Snapshot ? "all"
            : event.kind == KvEvent::Kind::Put    ? "put"
                                                  : "gone";
    for (const auto& pair : event.pairs) {
      text += " " + pair.key + (pair.value.empty() ? "" : "=" + pair.value);
    }
    text += ";";
  }
  return text;
}

class Answers : public testing::Test {
 protected:
  // The answer in pieces of so many bytes; what became of it.
  std::string take(const std::string& body, bool everything = false, std::size_t piece = 7) {
    KnownKeys::Reading reading(known_, scope_, everything);
    PairStream stream([&](const PairView& pair) { return reading.take(pair); });
    for (std::size_t at = 0; at < body.size(); at += piece) {
      if (const auto fed = stream.feed(std::string_view(body).substr(at, piece)); !fed) {
        return fed.error().what;
      }
    }
    if (const auto ended = stream.finish(); !ended) {
      return ended.error().what;
    }
    if (const auto good = reading.finish(); !good) {
      return good.error().what;
    }
    return text_of(known_.commit(std::move(reading)));
  }

  static bool refused(const std::string& outcome) {
    return outcome.starts_with("the answer is not what Consul sends");
  }

  KvScope scope_{"t/"};
  KnownKeys known_;
};

TEST_F(Answers, AreTheSameHoweverTheyAreCut) {
  const std::string body =
      " [ " + object("t/a", "1", 5) + ",\n" + object("t/q\\\"[{", "x}\\", 6) + "]\n ";
  const std::string whole = take(body, true, body.size());
  EXPECT_EQ(whole, "all t/a=1 t/q\"[{=x}\\;");
  for (std::size_t piece = 1; piece < body.size(); ++piece) {
    EXPECT_EQ(take(body, true, piece), whole) << piece;
  }
  EXPECT_EQ(take("[]", true), "all;");
}

TEST_F(Answers, TellWhatChangedAndWhatWent) {
  EXPECT_EQ(take("[" + object("t/a", "1", 5) + "," + object("t/b", "1", 6) + "," +
                     object("t/c", "1", 7) + "]",
                 true),
            "all t/a=1 t/b=1 t/c=1;");
  EXPECT_EQ(take("[" + object("t/a", "1", 5) + "," + object("t/b", "2", 9) + "," +
                 object("t/d", "3", 10) + "]"),
            "put t/b=2 t/d=3;gone t/c;");
  EXPECT_EQ(take("[" + object("t/a", "1", 5) + "," + object("t/b", "2", 9) + "," +
                 object("t/d", "3", 10) + "]"),
            "");
  EXPECT_EQ(take("[" + object("t/d", "4", 11) + "," + object("t/a", "2", 12) + "]"),
            "put t/a=2 t/d=4;gone t/b;")
      << "in whatever order they come";
  EXPECT_EQ(known_.size(), 2U);
}

TEST_F(Answers, ThatAreNotBelievedChangeNothing) {
  const std::string good = "[" + object("t/a", "1", 5) + "]";
  ASSERT_EQ(take(good, true), "all t/a=1;");
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[1]"), std::string("null"),
        std::string("<html>"), good.substr(0, good.size() - 1), good + "]", good + "x",
        "[," + good.substr(1), "[" + object("t/b", "1", 6) + ",]",
        "[" + object("t/b", "1", 6) + object("t/c", "1", 7) + "]",
        "[" + object("t/b", "1", 6) + "," + object("t/b", "1", 7) + "]",
        "[" + object("else", "1", 6) + "]", "[" + object("", "1", 6) + "]",
        "[" + object("t/b", "1", 0) + "]", std::string(R"([{"Key":"t/b"}])"),
        std::string(R"([{"Key":"t/b","Value":"M*==","ModifyIndex":6}])"),
        std::string(R"([{"Key":"t/b","Value":1,"ModifyIndex":6}])"),
        std::string(R"([{"Key":"t/b","ModifyIndex":6])")}) {
    EXPECT_TRUE(refused(take(bad))) << bad << ": " << take(bad);
  }
  EXPECT_EQ(take(good), "") << "still known";
}

TEST_F(Answers, OfASingleKeyHoldNoOther) {
  scope_.single = true;
  scope_.prefix = "t/a";
  EXPECT_EQ(take("[" + object("t/a", "1", 5) + "]", true), "all t/a=1;");
  EXPECT_TRUE(refused(take("[" + object("t/ab", "1", 5) + "]")));
}

}  // namespace

}  // namespace vtepd::consul
