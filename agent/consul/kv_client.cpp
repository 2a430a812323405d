// SPDX-License-Identifier: GPL-2.0-only
#include "consul/kv_client.h"

#include "consul/text.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace vtepd::consul {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr unsigned kNotFound = 404;
constexpr unsigned kConflict = 409;
// Docker's, on every key that it writes: the value that Consul's own client gives to locks.
constexpr std::uint64_t kFlags = 3304740253564472344U;
constexpr auto kReadDeadline = 60s;  // of a large list; silence is noticed much earlier
constexpr auto kCallDeadline = 10s;
constexpr auto kFarewellDeadline = 2s;
constexpr std::uint64_t kMaxBehindMs = 10000;

HttpRequest get_request(std::string target) {
  HttpRequest request;
  request.target = std::move(target);
  request.deadline = kReadDeadline;
  return request;
}

HttpRequest put_request(std::string target, std::string body) {
  HttpRequest request;
  request.method = HttpRequest::Method::Put;
  request.target = std::move(target);
  request.body = std::move(body);
  request.deadline = kCallDeadline;
  return request;
}

std::string path_of(const std::string& key) {
  return "/v1/kv/" + encode_path(key);
}

std::string quoted(const std::string& verb, const std::string& key) {
  return verb + " '" + key + "'";
}

json step(const char* verb, const std::string& key) {
  return {{"Verb", verb}, {"Key", key}};
}

json setting(const char* verb, const std::string& key, const std::string& value) {
  auto operation = step(verb, key);
  operation["Value"] = encode_base64(value);
  operation["Flags"] = kFlags;
  return operation;
}

json with_index(json operation, std::uint64_t index) {
  operation["Index"] = index;
  return operation;
}

std::string transaction(const std::vector<json>& steps) {
  auto list = json::array();
  for (const auto& operation : steps) {
    list.push_back({{"KV", operation}});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

// JSON cannot carry other bytes as they are.
Result<void> check_ascii(const std::string& key) {
  const bool ascii = std::all_of(key.begin(), key.end(), [](char c) { return c > 0; });
  return ascii
             ? Result<void>()
             : fail(ErrorKind::Invalid, "the key '" + shown(key) + "' is not of ASCII characters");
}

// What an earlier session holds is taken from it: the key goes and comes anew, in one step.
std::string locking(const std::string& key, const std::string& value, std::uint64_t expected,
                    const std::string& session) {
  auto lock = setting("lock", key, value);
  lock["Session"] = session;
  if (expected == 0) {
    return transaction({step("check-not-exists", key), lock});
  }
  return transaction({with_index(step("check-index", key), expected), step("delete", key), lock});
}

}  // namespace

Result<void> check_healthy(const HttpResponse& response, const std::string& operation) {
  const auto doubt = [&](const std::string& what) {
    return fail(ErrorKind::Unavailable, "Consul: " + operation + ": " + what);
  };
  if (!response.known_leader.value_or(false)) {
    return doubt("the server knows no leader, its answer is not believed");
  }
  if (!response.index) {
    return doubt("the answer has no X-Consul-Index");
  }
  if (response.last_contact_ms.value_or(0) > kMaxBehindMs) {
    return doubt("the server has not heard of its leader for " +
                 std::to_string(*response.last_contact_ms / 1000) + " s");
  }
  return {};
}

Result<std::optional<KvPair>> KvClient::get(const std::string& key) {
  if (!fits_in_path(key)) {
    auto pairs = get_tree(key);
    if (!pairs) {
      return fail(pairs.error());
    }
    const bool there = !pairs->empty() && pairs->front().key == key;
    return there ? std::optional(std::move(pairs->front())) : std::nullopt;
  }
  const auto operation = quoted("read", key);
  auto answer =
      servers_->exchange(get_request(path_of(key) + "?consistent"), operation, {kNotFound});
  if (!answer) {
    return fail(answer.error());
  }
  if (auto healthy = check_healthy(*answer, operation); !healthy) {
    return fail(healthy.error());
  }
  if (answer->status == kNotFound) {
    return std::optional<KvPair>();
  }
  PairReader reader;
  const auto views = reader.read(std::move(answer->body), key);
  auto pairs = views ? decode_all(*views) : Result<std::vector<KvPair>>(fail(views.error()));
  if (!pairs) {
    return fail(pairs.error().context("Consul: " + operation));
  }
  if (pairs->size() != 1 || pairs->front().key != key) {
    return fail(ErrorKind::Unavailable,
                "Consul: " + operation + ": the answer lacks that key, which must be there");
  }
  return std::optional(std::move(pairs->front()));
}

Result<std::vector<KvPair>> KvClient::list(const std::string& prefix) {
  if (!fits_in_path(prefix)) {
    return get_tree(prefix);
  }
  const auto operation = quoted("list", prefix);
  auto answer = servers_->exchange(get_request(path_of(prefix) + "?recurse&consistent"), operation,
                                   {kNotFound});
  if (!answer) {
    return fail(answer.error());
  }
  if (auto healthy = check_healthy(*answer, operation); !healthy) {
    return fail(healthy.error());
  }
  if (answer->status == kNotFound) {
    return std::vector<KvPair>();
  }
  PairReader reader;
  const auto views = reader.read(std::move(answer->body), prefix);
  auto pairs = views ? decode_all(*views) : Result<std::vector<KvPair>>(fail(views.error()));
  return pairs ? std::move(pairs) : fail(pairs.error().context("Consul: " + operation));
}

Result<std::vector<KvPair>> KvClient::get_tree(const std::string& prefix) {
  const auto operation = quoted("list", prefix);
  if (auto good = check_ascii(prefix); !good) {
    return fail(good.error());
  }
  auto answer = servers_->exchange(
      put_request("/v1/txn?consistent", transaction({step("get-tree", prefix)})), operation);
  if (!answer) {
    return fail(answer.error());
  }
  if (!answer->known_leader.value_or(false)) {
    return fail(ErrorKind::Unavailable, "Consul: " + operation + ": the server knows no leader");
  }
  PairReader reader;
  const auto views = reader.read_transaction(std::move(answer->body), prefix);
  auto pairs = views ? decode_all(*views) : Result<std::vector<KvPair>>(fail(views.error()));
  return pairs ? std::move(pairs) : fail(pairs.error().context("Consul: " + operation));
}

Result<bool> KvClient::transact(const std::string& operations, const std::string& operation) {
  const auto answer =
      servers_->exchange(put_request("/v1/txn", operations), operation, {kConflict});
  if (!answer) {
    return fail(answer.error());
  }
  if (answer->status != kConflict) {
    return true;
  }
  if (is_conflict(answer->body)) {
    return false;
  }
  const std::string_view said(reinterpret_cast<const char*>(answer->body.data()),
                              answer->body.size());
  return fail(ErrorKind::Unavailable, "Consul: " + operation + ": refused: " + shown(said));
}

Result<bool> KvClient::put(const std::string& key, const std::string& value, std::uint64_t expected,
                           const std::string& session) {
  const auto operation = quoted("write", key);
  if (auto good = check_ascii(key); !good) {
    return fail(good.error());
  }
  if (!session.empty()) {
    return transact(locking(key, value, expected, session), operation);
  }
  if (!fits_in_path(key)) {
    return transact(transaction({with_index(setting("cas", key, value), expected)}), operation);
  }
  const auto answer =
      servers_->exchange(put_request(path_of(key) + "?cas=" + std::to_string(expected) +
                                         "&flags=" + std::to_string(kFlags),
                                     value),
                         operation);
  const auto written = answer ? read_boolean(answer->body) : fail(answer.error());
  return written;
}

Result<bool> KvClient::erase(const std::string& key, std::uint64_t expected) {
  const auto operation = quoted("delete", key);
  if (auto good = check_ascii(key); !good) {
    return fail(good.error());
  }
  if (expected == 0) {
    const auto pair = get(key);
    return pair ? Result<bool>(!pair->has_value()) : fail(pair.error());
  }
  if (!fits_in_path(key)) {
    return transact(transaction({with_index(step("delete-cas", key), expected)}), operation);
  }
  HttpRequest request;
  request.method = HttpRequest::Method::Delete;
  request.target = path_of(key) + "?cas=" + std::to_string(expected);
  request.deadline = kCallDeadline;
  const auto answer = servers_->exchange(request, operation);
  const auto erased = answer ? read_boolean(answer->body) : fail(answer.error());
  return erased;
}

Result<std::string> KvClient::create_session(std::chrono::seconds ttl) {
  const json wanted = {{"Name", "vtepd"},
                       {"Behavior", "delete"},
                       {"TTL", std::to_string(ttl.count()) + "s"},
                       {"LockDelay", "1ms"}};
  const auto answer =
      servers_->exchange(put_request("/v1/session/create", wanted.dump()), "create a session");
  return answer ? read_session_id(answer->body) : fail(answer.error());
}

Result<bool> KvClient::renew_session(const std::string& id) {
  const auto answer = servers_->exchange(put_request("/v1/session/renew/" + id, ""),
                                         "renew the session", {kNotFound});
  return answer ? Result<bool>(answer->status != kNotFound) : fail(answer.error());
}

Result<void> KvClient::destroy_session(const std::string& id) {
  auto request = put_request("/v1/session/destroy/" + id, "");
  request.deadline = kFarewellDeadline;
  const auto answer = servers_->exchange(request, "end the session");
  return answer ? Result<void>() : fail(answer.error());
}

}  // namespace vtepd::consul
