// SPDX-License-Identifier: GPL-2.0-only
#include "consul/servers.h"

#include "consul/text.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace vtepd::consul {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kOk = 200;
constexpr unsigned kForbidden = 403;
constexpr unsigned kTooLarge = 413;
constexpr unsigned kTooMany = 429;
constexpr unsigned kInternal = 500;
constexpr unsigned kUnavailable = 503;
constexpr auto kProbeDeadline = 3s;

std::string_view text_of(const HttpResponse& response) {
  return {reinterpret_cast<const char*>(response.body.data()), response.body.size()};
}

// Another server may do better. After a 500 nobody knows whether a write was carried out.
bool next_may_serve(const HttpRequest& request, const HttpResult& result) {
  const bool read = request.method == HttpRequest::Method::Get;
  if (!result) {
    return read || !result.error().sent;
  }
  const auto status = result->status;
  return status == kTooMany || status == kUnavailable || (read && status >= kInternal);
}

std::string reason_of(const HttpResponse& response) {
  const auto said = shown(text_of(response));
  const std::string status = std::to_string(response.status);
  switch (response.status) {
    case kForbidden:
      return "permission denied (403): the ACL token does not allow it" +
             (said.empty() ? "" : " (" + said + ")");
    case kTooMany:
      return "the server refuses more connections or requests (429)" +
             (said.empty() ? "" : ": " + said);
    case kTooLarge:
      return "the value is larger than the server accepts (413)" +
             (said.empty() ? "" : ": " + said);
    default:
      return "status " + status + (said.empty() ? "" : ": " + said);
  }
}

}  // namespace

Result<std::unique_ptr<Servers>> Servers::create(const Options& options) {
  auto token = AclToken::load(options.token_file);
  if (!token) {
    return fail(token.error());
  }
  std::vector<Server> servers;
  for (const auto& address : options.addresses) {
    auto calls = HttpClient::create({address, options.tls, options.body_limit, options.stall});
    auto queries =
        HttpClient::create({address, options.tls, options.body_limit, options.watch_stall});
    if (!calls || !queries) {
      return fail(calls ? queries.error() : calls.error());
    }
    servers.push_back({std::move(*calls), std::move(*queries)});
  }
  if (servers.empty()) {
    return fail(ErrorKind::Invalid, "no address of a Consul server is given");
  }
  return std::unique_ptr<Servers>(new Servers(std::move(servers), std::move(*token)));
}

Servers::Servers(std::vector<Server> servers, AclToken token)
    : servers_(std::move(servers)), token_(std::move(token)) {}

void Servers::leave(std::size_t server) {
  auto present = server;
  current_.compare_exchange_strong(present, (server + 1) % servers_.size());
}

Result<HttpResponse> Servers::judge(HttpResult result, std::size_t server,
                                    const std::string& operation,
                                    const std::vector<unsigned>& also) const {
  const std::string where = "Consul at " + servers_[server].calls->url() + ": " + operation + ": ";
  if (!result) {
    return fail(ErrorKind::Unavailable, where + result.error().what);
  }
  const auto status = result->status;
  if (status == kOk || std::find(also.begin(), also.end(), status) != also.end()) {
    return std::move(*result);
  }
  const auto kind = status == kTooLarge ? ErrorKind::Invalid : ErrorKind::Unavailable;
  return fail(kind, where + reason_of(*result));
}

Result<HttpResponse> Servers::exchange(const HttpRequest& request, const std::string& operation,
                                       const std::vector<unsigned>& also) {
  Result<HttpResponse> answer = fail(ErrorKind::Internal, operation);
  for (std::size_t tries = 0; tries < servers_.size(); ++tries) {
    const std::size_t server = current_;
    auto result = servers_[server].calls->send(request, token_.get());
    if (result && result->status == kForbidden && token_.refresh()) {
      result = servers_[server].calls->send(request, token_.get());
    }
    const bool failed = !result || result->status >= kInternal || result->status == kTooMany;
    const bool go_on = next_may_serve(request, result);
    answer = judge(std::move(result), server, operation, also);
    if (failed) {
      leave(server);
    }
    if (!go_on) {
      return answer;
    }
  }
  return answer;
}

Servers::Query Servers::start_query(const std::string& target) {
  const std::size_t server = current_;
  HttpRequest request;
  request.target = target;
  return {servers_[server].queries->start(request, token_.get()), server};
}

Result<HttpResponse> Servers::finish_query(Query& query, const std::string& operation,
                                           const std::vector<unsigned>& also) {
  auto result = query.call->take();
  const bool ended = !result && result.error().canceled;
  if (result && result->status != kOk) {
    // Short, and part of the message; without it the status must do.
    if (auto said = query.call->next(kProbeDeadline); said && *said) {
      result->body = std::move(**said);
    }
  }
  if (result && result->status == kForbidden) {
    static_cast<void>(token_.refresh());
  }
  auto answer = judge(std::move(result), query.server, operation, also);
  if (!answer && !ended) {
    leave(query.server);
  }
  return answer;
}

Result<void> Servers::probe(std::size_t server) {
  HttpRequest request;
  request.target = "/v1/status/leader";
  request.deadline = kProbeDeadline;
  const auto answer =
      judge(servers_[server].calls->send(request, token_.get()), server, "ask for the leader", {});
  if (!answer) {
    leave(server);
    return fail(answer.error());
  }
  if (text_of(*answer).find(':') == std::string_view::npos) {
    leave(server);
    return fail(ErrorKind::Unavailable,
                "Consul at " + servers_[server].calls->url() + ": the cluster has no leader");
  }
  return {};
}

}  // namespace vtepd::consul
