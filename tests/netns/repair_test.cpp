// SPDX-License-Identifier: GPL-2.0-only
// A host that is lost for good, over the file store: its session ends with its process.
#include "support/lab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Repair, AHostThatIsLostIsStaleUntilItsEndpointsGoByName) {
  Pair pair;
  Host& host = pair.lab.host(1);
  EXPECT_THAT(host.ctl({"show", "endpoints"}).out, Not(HasSubstr("stale")));
  EXPECT_EQ(host.ctl({"diff"}).out, "no difference\n");

  pair.lab.host(2).kill9();
  EXPECT_TRUE(wait_until(
      [&] {
        return host.ctl({"show", "endpoints"}).out.find("stale") != std::string::npos;
      },
      Seconds(10)))
      << host.ctl({"show", "endpoints"}).text();
  EXPECT_THAT(host.ctl({"show", "endpoints", "--stale"}).out, HasSubstr("its host is gone for"));
  EXPECT_TRUE(pair.a->pings(pair.b->address)) << "its programs forward on";

  EXPECT_TRUE(wait_until(
      [&] {
        return host.ctl({"repair", "--host", "10.99.0.2"}).ok();
      },
      Seconds(20), Seconds(1)));
  EXPECT_TRUE(wait_until([&] { return !host.knows(pair.b->address); }, Seconds(5)));
  EXPECT_EQ(host.ctl({"diff"}).out, "no difference\n");

  // It was not lost after all.
  pair.lab.host(2).start();
  const Outcome diff = pair.lab.host(2).ctl({"diff"});
  EXPECT_EQ(diff.code, 1);
  EXPECT_THAT(diff.out, HasSubstr("not-in-store")) << diff.text();
  pair.lab.host(2).must({"detach", "--netns", pair.b->netns.path(), "blue"});
  EXPECT_EQ(host.ctl({"repair"}).out, "nothing to mend\n");
}

}  // namespace
}  // namespace vtepd::test
