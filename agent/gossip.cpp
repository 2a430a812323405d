// SPDX-License-Identifier: GPL-2.0-only
#include "gossip.h"

#include "registry/base64.h"
#include "serf/serf_gossip.h"
#include "state/durable_file.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

constexpr std::size_t kMaxSecret = 1024;

// One word; errors never show it.
Result<std::string> read_secret(const std::string& key, const std::string& path) {
  auto text = read_file(path);
  if (!text) {
    return fail(text.error().context(key));
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) {
    text->pop_back();
  }
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (text->empty() || text->size() > kMaxSecret ||
      !std::all_of(text->begin(), text->end(), plain)) {
    return fail(ErrorKind::Invalid, key + ": " + path + " does not hold one line with a key");
  }
  return text;
}

Result<std::string> read_encrypt_key(const std::string& path) {
  auto key = read_secret("gossip.encrypt_key_file", path);
  if (!key) {
    return key;
  }
  const auto bytes = registry::base64_decode(*key);
  const auto size = bytes ? bytes->size() : 0;
  if (size != 16 && size != 24 && size != 32) {
    return fail(ErrorKind::Invalid, "gossip.encrypt_key_file: " + path +
                                        " does not hold 16, 24 or 32 bytes in base64; `serf "
                                        "keygen` makes such a key");
  }
  return key;
}

// Unique in the cluster also where hosts share their name, and beside the node of a dockerd on this
// host, which is the host's name. The same after a restart, so that peers know the node again.
std::string node_name(const Config& config, const std::string& bind, const std::string& host) {
  std::string name = host + "-vtepd-" + config.instance + "-" + bind;
  std::replace(name.begin(), name.end(), ':', '-');
  std::erase_if(name, [](char c) { return c == '[' || c == ']'; });
  return name;
}

Result<SerfOptions> to_options(const Config& config, const IpAddress& vtep,
                               const std::string& host) {
  const auto& gossip = config.gossip;
  SerfOptions options;
  options.join = gossip.join;
  options.log = [](const std::string& line) { spdlog::debug("{}", line); };
  if (gossip.rpc_address) {
    options.found = SerfOptions::Found{{*gossip.rpc_address, gossip.rpc_port}, ""};
    if (!gossip.rpc_auth_file.empty()) {
      auto key = read_secret("gossip.rpc_auth_file", gossip.rpc_auth_file);
      if (!key) {
        return fail(key.error());
      }
      options.found->key = std::move(*key);
    }
    return options;
  }
  options.child.program = gossip.program;
  options.child.config_path = config.runtime_dir() + "/serf.json";
  options.child.bind = serf::RpcAddress{gossip.bind.value_or(vtep), gossip.port}.to_string();
  options.child.node = node_name(config, options.child.bind, host);
  if (!gossip.encrypt_key_file.empty()) {
    auto key = read_encrypt_key(gossip.encrypt_key_file);
    if (!key) {
      return fail(key.error());
    }
    options.child.encrypt_key = std::move(*key);
  }
  return options;
}

// At the start there is no gossip yet, which is no trouble.
class StateLog {
 public:
  void operator()(const GossipNotice& notice) {
    if (notice.kind == GossipNotice::Kind::Outage) {
      spdlog::log(starting_ ? spdlog::level::debug : spdlog::level::warn,
                  "no gossip, changes come by the store alone: {}", notice.reason);
    } else if (notice.kind == GossipNotice::Kind::Recovered) {
      spdlog::info("gossip is there");
    }
    starting_ = false;
  }

 private:
  bool starting_ = true;
};

}  // namespace

Result<OpenedGossip> open_gossip(const Config& config, const IpAddress& vtep,
                                 const std::string& host) {
  OpenedGossip opened;
  if (config.gossip.kind == "none") {
    return opened;
  }
  auto options = to_options(config, vtep, host);
  if (!options) {
    return fail(options.error());
  }
  opened.name = "serf " + (options->found ? options->found->rpc.to_string() : options->child.bind);
  opened.port = config.gossip.port;
  auto started = SerfGossip::start(std::move(*options));
  if (!started) {
    return fail(started.error());
  }
  opened.gossip = std::move(*started);
  opened.logging = opened.gossip->subscribe(StateLog());
  return opened;
}

}  // namespace vtepd
