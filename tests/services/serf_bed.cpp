// SPDX-License-Identifier: GPL-2.0-only
#include "serf_bed.h"

#include "support/netns.h"

#include <csignal>
#include <future>
#include <stdexcept>
#include <utility>

namespace vtepd::test {

namespace {

constexpr int kRpcPort = 17373;

// Runs an asynchronous call and waits for its end.
template <typename T>
T waited(const std::function<void(std::function<void(T)>)>& call) {
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  call([promise](T result) { promise->set_value(std::move(result)); });
  if (future.wait_for(Seconds(60)) != std::future_status::ready) {
    throw std::runtime_error("a call of the gossip port did not end");
  }
  return future.get();
}

}  // namespace

void Ear::hear(const GossipNotice& notice) {
  const std::lock_guard guard(mutex_);
  notices_.push_back(notice);
  wake_.notify_all();
}

void Ear::log(const std::string& line) {
  const std::lock_guard guard(mutex_);
  log_.push_back(line);
  wake_.notify_all();
}

std::optional<GossipNotice> Ear::wait(const Test& test, Milliseconds deadline) {
  std::unique_lock guard(mutex_);
  std::optional<GossipNotice> found;
  wake_.wait_for(guard, deadline, [&] {
    for (std::size_t i = mark_; i < notices_.size() && !found; ++i) {
      if (test(notices_[i])) {
        found = notices_[i];
      }
    }
    return found.has_value();
  });
  return found;
}

std::optional<GossipNotice> Ear::wait(GossipNotice::Kind kind, const std::string& text,
                                      Milliseconds deadline) {
  return wait(
      [&](const GossipNotice& notice) {
        const auto& in = kind == GossipNotice::Kind::Outage ? notice.reason : notice.name;
        return notice.kind == kind && in.find(text) != std::string::npos;
      },
      deadline);
}

bool Ear::heard(const Test& test) {
  return wait(test, Milliseconds(0)).has_value();
}

void Ear::mark() {
  const std::lock_guard guard(mutex_);
  mark_ = notices_.size();
}

std::string Ear::log_text() {
  const std::lock_guard guard(mutex_);
  std::string text;
  for (const auto& line : log_) {
    text += line + "\n";
  }
  return text;
}

std::string Ear::text() {
  std::string text = log_text();
  const std::lock_guard guard(mutex_);
  for (const auto& notice : notices_) {
    text += "notice " + std::to_string(static_cast<int>(notice.kind)) + " " + notice.name + " " +
            notice.payload + " " + notice.reason + "\n";
  }
  return text;
}

pid_t Ear::child() {
  const auto text = log_text();
  const std::string words = "agent started, pid ";
  const auto at = text.rfind(words);
  return at == std::string::npos ? 0 : std::stoi(text.substr(at + words.size()));
}

Node::Node(SerfOptions options) {
  options.log = [ear = ear](const std::string& line) { ear->log(line); };
  auto started = SerfGossip::start(std::move(options));
  if (!started) {
    throw std::runtime_error(started.error().what);
  }
  gossip = std::move(*started);
  subscription = gossip->subscribe([ear = ear](const GossipNotice& notice) { ear->hear(notice); });
}

Result<void> Node::broadcast(const GossipEvent& event) const {
  return waited<Result<void>>([&](auto done) { gossip->broadcast(event, done); });
}

Result<std::size_t> Node::join(const std::string& address) const {
  return waited<Result<std::size_t>>([&](auto done) { gossip->join({address}, done); });
}

Result<std::vector<GossipMember>> Node::members() const {
  return waited<Result<std::vector<GossipMember>>>([&](auto done) { gossip->members(done); });
}

Result<void> Node::respond(const GossipQueryId& query, const std::string& payload) const {
  return waited<Result<void>>([&](auto done) { gossip->respond(query, payload, done); });
}

Result<std::vector<GossipAnswer>> Node::query(const GossipQuery& query) const {
  auto answers = std::make_shared<std::vector<GossipAnswer>>();
  const auto done = waited<Result<void>>([&](auto end) {
    gossip->query(
        query, [answers](const GossipAnswer& answer) { answers->push_back(answer); }, end);
  });
  return done ? Result<std::vector<GossipAnswer>>(*answers) : fail(done.error());
}

bool Node::sees_alive(std::size_t count) const {
  const auto all = members();
  std::size_t alive = 0;
  for (const auto& member : all ? *all : std::vector<GossipMember>{}) {
    alive += member.status == "alive" ? 1U : 0U;
  }
  return alive == count;
}

std::string gossip_address(int number) {
  return "127.0.0." + std::to_string(number) + ":7946";
}

SerfOptions child_options(int number, const std::string& encrypt_key) {
  SerfOptions options;
  const auto name = "node" + std::to_string(number);
  options.child.config_path = lab_folder() + "/" + name + ".json";
  options.child.node = name;
  options.child.bind = gossip_address(number);
  options.child.encrypt_key = encrypt_key;
  options.timing.answer = Milliseconds(1000);
  options.timing.beat = Milliseconds(300);
  options.timing.join = Milliseconds(1000);
  return options;
}

FoundAgent::FoundAgent(int number, const std::string& rpc_key)
    : number_(number), config_(lab_folder() + "/found" + std::to_string(number) + ".json") {
  write_file(config_, rpc_key.empty() ? "{}" : R"({"rpc_auth": ")" + rpc_key + "\"}");
  start();
}

FoundAgent::~FoundAgent() = default;

void FoundAgent::start() {
  const auto number = std::to_string(number_);
  process_ = std::make_unique<Process>(
      Command{.argv = {"serf", "agent", "-protocol=4", "-node", "found" + number, "-bind",
                       gossip_address(number_), "-rpc-addr",
                       "127.0.0.1:" + std::to_string(kRpcPort + number_), "-config-file", config_}},
      lab_folder() + "/found" + number + ".log");
}

void FoundAgent::kill9() {
  process_->signal(SIGKILL);
  process_->wait(Seconds(10));
}

SerfOptions FoundAgent::options(const std::string& key) const {
  auto options = child_options(number_);
  options.found = SerfOptions::Found{
      {IpAddress::v4(0x7f000001), static_cast<std::uint16_t>(kRpcPort + number_)}, key};
  return options;
}

bool is_gone(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto state = stat.rfind(") ");
  return state == std::string::npos || stat.substr(state + 2, 1) == "Z";
}

}  // namespace vtepd::test
