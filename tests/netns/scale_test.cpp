// SPDX-License-Identifier: GPL-2.0-only
// As large as a cluster gets.
#include "support/lab.h"
#include "support/store.h"

#include <iostream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

// A store of 200,000 endpoints, as configuration management would deliver it.
TEST(LongScale, TwoHundredThousandEndpointsLoad) {
  constexpr unsigned kEndpoints = 200000;
  Lab lab({.hosts = 1});
  Host& host = lab.host(1);
  host.start();
  lab.create_network("big", "172.16.0.0/12");
  const Container& local = host.attach("big", "172.31.255.1");
  const std::string network_id = lab.network_id("big");
  host.stop();
  for (unsigned i = 0; i < kEndpoints; ++i) {
    write_endpoint(lab.store(), {.network_id = network_id,
                                 .id = numbered_id(i + 1000),
                                 .address = numbered_address(i),
                                 .mac = numbered_mac(i),
                                 .vtep = "10.99.0." + std::to_string(2 + i % 200)});
  }

  const auto begin = Clock::now();
  host.launch();
  const auto loaded = [&] {
    const Json status = host.show("status");
    for (const Json& table : status.at("status").at("tables")) {
      if (table.value("name", "").ends_with("fdb")) {
        return table.value("used", 0U) >= kEndpoints;
      }
    }
    return false;
  };
  const auto safely = [&] {
    try {
      return loaded();
    } catch (const std::exception&) {
      return false;  // not listening yet
    }
  };
  ASSERT_TRUE(wait_until(safely, Seconds(300), Milliseconds(200)));
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);

  const std::string status = read_file("/proc/" + std::to_string(host.daemon()->pid()) + "/status");
  const std::size_t rss = status.find("VmRSS:");
  std::cout << kEndpoints << " endpoints in the maps after " << took.count() << " ms, "
            << status.substr(rss, status.find('\n', rss) - rss) << "\n";
  EXPECT_LT(took, Seconds(120));
  EXPECT_TRUE(host.ctl({"show", "status"}).ok()) << host.ctl({"show", "status"}).text();
  EXPECT_EQ(local.netns.exec({"ip", "link", "show", "eth0"}).code, 0);
}

}  // namespace
}  // namespace vtepd::test
