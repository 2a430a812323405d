// SPDX-License-Identifier: GPL-2.0-only
// ACLs and TLS of the real Consul.
#include "services/consul_bed.h"
#include "support/netns.h"
#include "unit/contract/kv_store_contract.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

using Events = std::vector<KvEvent>;

constexpr const char* kMaster = "11111111-2222-3333-4444-555555555555";
constexpr const char* kAgent = "99999999-2222-3333-4444-555555555555";

class ConsulAcl : public testing::Test {
 protected:
  ConsulAcl()
      : server_({.settings = std::string("acl { policy_ttl = \"1s\" token_ttl = \"1s\" enabled = "
                                         "true default_policy = \"deny\" "
                                         "tokens { master = \"") +
                             kMaster + "\" agent_master = \"x\" agent = \"" + kMaster + "\" } }",
                 .client_options = {std::string("-token=") + kMaster}}) {
    server_.start();
    must({"acl", "policy", "create", "-name", "vtepd", "-rules", kAll});
    must({"acl", "token", "create", "-policy-name", "vtepd", "-secret", kAgent});
    write_file(token_file_, std::string(kAgent) + "\n");
  }

  void must(std::vector<std::string> words) const {
    words.push_back(std::string("-token=") + kMaster);
    const Outcome outcome = server_.cli(words);
    if (!outcome.ok()) {
      throw std::runtime_error(outcome.text());
    }
  }

  void allow(const std::string& rules) const {
    must({"acl", "policy", "update", "-name", "vtepd", "-rules", rules});
  }

  [[nodiscard]] ConsulStore::Options options() const {
    auto options = store_options(server_.url());
    options.token_file = token_file_;
    return options;
  }

  static constexpr const char* kAll =
      R"(key_prefix "t/" { policy = "write" } session_prefix "" { policy = "write" })";
  ConsulServer server_;
  std::string token_file_ = lab_folder() + "/" + unique_name() + "token";
};

TEST_F(ConsulAcl, ForbiddenAndMissingAreToldApartAndTheTokenIsNeverSaid) {
  const auto store = open_store(options());
  EXPECT_TRUE(store->put("t/a", "1", 0).value());
  EXPECT_FALSE(store->get("t/none").value());
  for (const auto& error : {store->get("other/a").error(), store->put("other/a", "", 0).error()}) {
    EXPECT_EQ(error.kind, ErrorKind::Unavailable);
    EXPECT_NE(error.what.find("permission denied (403)"), std::string::npos) << error.what;
    EXPECT_EQ(error.what.find(kAgent), std::string::npos) << error.what;
  }
  EXPECT_FALSE(open_store(store_options(server_.url()))->get("t/a")) << "without a token";
}

TEST_F(ConsulAcl, TheTokenComesFromTheEnvironmentToo) {
  ::setenv("CONSUL_HTTP_TOKEN", kAgent, 1);
  const auto store = open_store(store_options(server_.url()));
  ::unsetenv("CONSUL_HTTP_TOKEN");
  EXPECT_TRUE(store->put("t/a", "1", 0).value());
}

TEST_F(ConsulAcl, ATokenFileThatChangesIsReadAgain) {
  write_file(token_file_, "00000000-2222-3333-4444-555555555555\n");
  const auto store = open_store(options());
  EXPECT_FALSE(store->put("t/a", "1", 0));
  write_file(token_file_, std::string(kAgent) + "\n");
  EXPECT_TRUE(store->put("t/a", "1", 0).value());
}

TEST_F(ConsulAcl, APrefixThatBecomesHiddenEmptiesNothing) {
  const auto store = open_store(options());
  ASSERT_TRUE(store->put("t/marker", "", 0).value());
  ASSERT_TRUE(store->put("t/sub/a", "1", 0).value());
  Recorder recorder;
  const auto watch = store->watch(scope_of("t/", "t/marker"), recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 2; }));
  const auto outage = [](const Events& events) {
    return events.back().kind == KvEvent::Kind::Outage;
  };
  const auto snapshot = [](const Events& events) {
    return events.back().kind == KvEvent::Kind::Snapshot;
  };
  int wakes = 0;
  // All of it, then a part of it.
  for (const char* rules :
       {R"(key_prefix "u/" { policy = "write" })",
        R"(key_prefix "t/" { policy = "write" } key_prefix "t/sub/" { policy = "deny" })"}) {
    allow(rules);
    // An ACL alone wakes no query, and it counts after its time to live.
    ASSERT_TRUE(wait_until(
        [&] {
          server_.kv({"put", "t/wake", std::to_string(++wakes)});
          return recorder.wait_for(outage, Milliseconds(200));
        },
        Seconds(10)))
        << rules;
    EXPECT_GE(replay(recorder.events()).size(), 2U);
    allow(kAll);
    ASSERT_TRUE(recorder.wait_for(snapshot, Seconds(5))) << rules;
    EXPECT_EQ(replay(recorder.events()).size(), 3U);
  }
}

TEST(ConsulToken, AFileWithoutATokenIsRefused) {
  const std::string path = lab_folder() + "/" + unique_name();
  auto options = store_options("http://127.0.0.1:8500");
  options.token_file = path;
  for (const std::string text : {"", "two words", "line\nline", "\x01"}) {
    write_file(path, text);
    const auto store = ConsulStore::open(options);
    ASSERT_FALSE(store) << text;
    EXPECT_NE(store.error().what.find(path), std::string::npos);
  }
  std::filesystem::remove(path);
  EXPECT_FALSE(ConsulStore::open(options));
  write_file(path, "  token \n");
  EXPECT_TRUE(ConsulStore::open(options));
}

class ConsulTls : public testing::Test {
 protected:
  ConsulTls() {
    std::filesystem::create_directories(folder_);
    for (const char* line :
         {"tls ca create", "tls cert create -server -dc dc1 -additional-ipaddress=127.0.0.1",
          "tls cert create -client -dc dc1"}) {
      const Outcome outcome =
          run({"sh", "-c", "cd " + folder_ + " && exec " + consul_program() + " " + line});
      if (!outcome.ok()) {
        throw std::runtime_error(outcome.text());
      }
    }
    server_ = std::make_unique<ConsulServer>(ConsulOptions{
        .settings = "verify_incoming = true\nca_file = \"" + ca() + "\"\ncert_file = \"" + folder_ +
                    "/dc1-server-consul-0.pem\"\nkey_file = \"" + folder_ +
                    "/dc1-server-consul-0-key.pem\"\n",
        .url_scheme = "https"});
    server_->start();
  }

  [[nodiscard]] std::string ca() const { return folder_ + "/consul-agent-ca.pem"; }

  [[nodiscard]] ConsulStore::Options options() const {
    auto options = store_options(server_->url());
    options.ca_file = ca();
    options.cert_file = folder_ + "/dc1-client-consul-0.pem";
    options.key_file = folder_ + "/dc1-client-consul-0-key.pem";
    return options;
  }

  std::string folder_ = lab_folder() + "/" + unique_name() + "tls";
  std::unique_ptr<ConsulServer> server_;
};

TEST_F(ConsulTls, ServesWithTheRightCertificatesAndOnlyWithThem) {
  const auto store = open_store(options());
  const auto put = store->put("k", "1", 0);
  ASSERT_TRUE(put) << put.error().what;
  Recorder recorder;
  const auto watch = store->watch("k", recorder.callback());
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).size() == 1; }));

  auto no_client = options();
  no_client.cert_file.clear();
  no_client.key_file.clear();
  EXPECT_FALSE(open_store(no_client)->get("k"));
  auto no_ca = options();
  no_ca.ca_file.clear();
  EXPECT_FALSE(open_store(no_ca)->get("k")) << "the host's own authorities do not know it";
  auto other_name = options();
  other_name.addresses = {"https://127.0.0.2:8501"};
  EXPECT_FALSE(open_store(other_name)->get("k"));
}

TEST_F(ConsulTls, AFileThatIsNoCertificateIsNamed) {
  auto broken = options();
  broken.key_file = ca();
  const auto store = ConsulStore::open(broken);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::Invalid);
  EXPECT_NE(store.error().what.find(ca()), std::string::npos) << store.error().what;
}

}  // namespace

}  // namespace vtepd::test
