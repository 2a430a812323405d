// SPDX-License-Identifier: GPL-2.0-only
// The only file that includes cpprestsdk.
#include "consul/http.h"

#include "consul/credentials.h"

#include <charconv>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/ssl.hpp>
#include <cpprest/http_client.h>
#include <openssl/crypto.h>
#include <pplx/threadpool.h>

namespace vtepd::consul {

namespace {

namespace web_http = web::http;
using web_http::client::http_client;
using web_http::client::http_client_config;
using Bytes = std::vector<std::uint8_t>;
using Token = pplx::cancellation_token_source;

constexpr std::size_t kThreads = 2;
constexpr std::size_t kPart = std::size_t{64} << 10U;  // of a body, in bytes

struct TooLarge : std::exception {};

// What the library's threads and the caller share of one call. The first result counts: after a
// cancellation the library's own may come late (a name that is being looked up).
struct CallState {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<HttpResult> result;
  bool sent = false;
  Token token;

  // Of the body, once there is a result: what has come and was not taken, and how it ended.
  std::deque<Bytes> parts;
  std::optional<HttpPart> end;

  void add(Bytes part) {
    {
      const std::lock_guard guard(mutex);
      parts.push_back(std::move(part));
    }
    changed.notify_all();
  }

  void finish_body(HttpPart outcome) {
    {
      const std::lock_guard guard(mutex);
      if (!end) {
        end = std::move(outcome);
      }
    }
    changed.notify_all();
  }

  void finish(HttpResult outcome) {
    {
      const std::lock_guard guard(mutex);
      if (result) {
        return;
      }
      result = std::move(outcome);
      if (!*result) {
        result->error().sent = sent;
      }
    }
    changed.notify_all();
  }
};

std::optional<std::uint64_t> number(const web_http::http_headers& headers, const char* name) {
  const auto header = headers.find(name);
  if (header == headers.end()) {
    return std::nullopt;
  }
  const auto& text = header->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

HttpResponse head_of(const web_http::http_response& response) {
  HttpResponse answer;
  answer.status = response.status_code();
  answer.index = number(response.headers(), "X-Consul-Index");
  answer.last_contact_ms = number(response.headers(), "X-Consul-LastContact");
  const auto leader = response.headers().find("X-Consul-KnownLeader");
  if (leader != response.headers().end()) {
    answer.known_leader = leader->second == "true";
  }
  return answer;
}

// To be called in the handler of a task that failed.
HttpFailure failure_of(const std::exception_ptr& thrown, std::size_t limit) {
  try {
    std::rethrow_exception(thrown);
  } catch (const TooLarge&) {
    return {"the answer is over the limit of " + std::to_string(limit) +
                " bytes ('body_limit' in [store])",
            false, false};
  } catch (const std::exception& error) {
    return {error.what(), false, false};
  }
}

class Call : public HttpCall {
 public:
  explicit Call(std::shared_ptr<CallState> state) : state_(std::move(state)) {}

  ~Call() override { cancel(); }

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool wait_for(std::chrono::milliseconds time) override {
    std::unique_lock guard(state_->mutex);
    return state_->changed.wait_for(guard, time, [this] { return state_->result.has_value(); });
  }

  void cancel() override {
    const HttpFailure ended{"ended", false, true};
    state_->finish(tl::make_unexpected(ended));
    state_->finish_body(tl::make_unexpected(ended));
    state_->token.cancel();
  }

  HttpResult take() override {
    std::unique_lock guard(state_->mutex);
    state_->changed.wait(guard, [this] { return state_->result.has_value(); });
    return std::move(*state_->result);
  }

  std::optional<HttpPart> next(std::chrono::milliseconds time) override {
    std::unique_lock guard(state_->mutex);
    state_->changed.wait_for(guard, time,
                             [this] { return !state_->parts.empty() || state_->end.has_value(); });
    if (state_->parts.empty()) {
      return state_->end;
    }
    auto part = std::move(state_->parts.front());
    state_->parts.pop_front();
    return part;
  }

 private:
  std::shared_ptr<CallState> state_;
};

web_http::method method_of(HttpRequest::Method method) {
  switch (method) {
    case HttpRequest::Method::Put:
      return web_http::methods::PUT;
    case HttpRequest::Method::Delete:
      return web_http::methods::DEL;
    case HttpRequest::Method::Get:
      break;
  }
  return web_http::methods::GET;
}

// The kept connections. Whatever state those of a failed call are in, they are not used again.
struct Pool {
  std::mutex mutex;
  std::shared_ptr<http_client> reader;

  void drop(const std::shared_ptr<http_client>& client) {
    const std::lock_guard guard(mutex);
    if (reader == client) {
      reader.reset();
    }
  }
};

class CpprestClient : public HttpClient {
 public:
  CpprestClient(Options options, web::uri uri, Credentials credentials)
      : options_(std::move(options)), uri_(std::move(uri)) {
    config_.set_timeout(options_.stall);  // begins anew with every byte
    config_.set_max_redirects(0);
    config_.set_ssl_context_callback(
        [pem = std::move(credentials)](boost::asio::ssl::context& context) {
          static_cast<void>(load(context, pem));  // it could be loaded when the client was made
        });
  }

  [[nodiscard]] const std::string& url() const override { return options_.url; }

  [[nodiscard]] std::unique_ptr<HttpCall> start(const HttpRequest& request,
                                                const std::string& token) override;

 private:
  [[nodiscard]] web_http::http_request message_of(const HttpRequest& request,
                                                  const std::string& token) const;
  std::shared_ptr<http_client> client_for(HttpRequest::Method method);
  void launch(web_http::http_request message, HttpRequest::Method method,
              const std::shared_ptr<CallState>& state);

  Options options_;
  web::uri uri_;
  http_client_config config_;
  std::shared_ptr<Pool> pool_ = std::make_shared<Pool>();
};

std::shared_ptr<http_client> CpprestClient::client_for(HttpRequest::Method method) {
  if (method != HttpRequest::Method::Get) {
    return std::make_shared<http_client>(uri_, config_);
  }
  const std::lock_guard guard(pool_->mutex);
  if (!pool_->reader) {
    pool_->reader = std::make_shared<http_client>(uri_, config_);
  }
  return pool_->reader;
}

web_http::http_request CpprestClient::message_of(const HttpRequest& request,
                                                 const std::string& token) const {
  web_http::http_request message(method_of(request.method));
  message.set_request_uri(web::uri(request.target));
  if (!token.empty()) {
    message.headers().add("X-Consul-Token", token);
  }
  if (request.method == HttpRequest::Method::Put) {
    message.set_body(std::vector<unsigned char>(request.body.begin(), request.body.end()));
  }
  return message;
}

// What the steps of one call need; the client lives as long as they do.
struct Transfer {
  std::shared_ptr<CallState> state;
  std::shared_ptr<http_client> client;
  std::shared_ptr<Pool> pool;
  std::size_t limit = 0;

  void fail(const std::exception_ptr& thrown) const {
    pool->drop(client);
    const auto failure = failure_of(thrown, limit);
    state->finish(tl::make_unexpected(failure));
    state->finish_body(tl::make_unexpected(failure));
  }
};

// Part after part until the body ends; whether it ended well is what content_ready() tells.
void read_on(const Transfer& transfer, const web_http::http_response& response) {
  const auto part = std::make_shared<Bytes>(kPart);
  auto source = response.body().streambuf();
  source.getn(part->data(), part->size())
      .then([=](const pplx::task<std::size_t>& task) {
        part->resize(task.get());
        if (part->empty()) {
          // One of the library's two threads must not wait for what the other may have to do.
          return response.content_ready().then(
              [transfer](const web_http::http_response& /*whole*/) {
                transfer.state->finish_body(Bytes());
              });
        }
        transfer.state->add(std::move(*part));
        read_on(transfer, response);
        return pplx::task_from_result();
      })
      .then([transfer](const pplx::task<void>& task) {
        try {
          task.get();
        } catch (...) {
          transfer.fail(std::current_exception());
        }
      });
}

void CpprestClient::launch(web_http::http_request message, HttpRequest::Method method,
                           const std::shared_ptr<CallState>& state) {
  message.set_progress_handler([state, limit = options_.body_limit](auto direction, auto bytes) {
    if (direction == web_http::message_direction::upload) {
      const std::lock_guard guard(state->mutex);
      state->sent = true;
    } else if (bytes > limit) {
      throw TooLarge();
    }
  });
  const Transfer transfer{state, client_for(method), pool_, options_.body_limit};
  transfer.client->request(message, state->token.get_token())
      .then([transfer](const pplx::task<web_http::http_response>& task) {
        try {
          const auto response = task.get();
          transfer.state->finish(head_of(response));
          read_on(transfer, response);
        } catch (...) {
          transfer.fail(std::current_exception());
        }
      });
}

std::unique_ptr<HttpCall> CpprestClient::start(const HttpRequest& request,
                                               const std::string& token) {
  const auto state = std::make_shared<CallState>();
  try {
    launch(message_of(request, token), request.method, state);
  } catch (const std::exception& error) {
    state->finish(tl::make_unexpected(HttpFailure{error.what(), false, false}));
  }
  return std::make_unique<Call>(state);
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::create(Options options) {
  // Once in the life of the process, before the library starts its forty threads. Those end with
  // the process only, perhaps in the middle of a handshake that was given up: OpenSSL must not have
  // cleaned up under them by then.
  static std::once_flag once;
  std::call_once(once, [] {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
    crossplat::threadpool::initialize_with_threads(kThreads);
  });
  if (!web::uri::validate(options.url)) {
    return fail(ErrorKind::Invalid, "'" + options.url + "' is not the address of a server");
  }
  web::uri uri(options.url);
  if ((uri.scheme() != "http" && uri.scheme() != "https") || uri.host().empty()) {
    return fail(ErrorKind::Invalid, "'" + options.url + "' is not the address of a server");
  }
  Result<Credentials> credentials =
      uri.scheme() == "https" ? read_credentials(options.tls) : Result<Credentials>(Credentials{});
  if (!credentials) {
    return fail(credentials.error());
  }
  return std::make_unique<CpprestClient>(std::move(options), std::move(uri),
                                         std::move(*credentials));
}

HttpResult HttpClient::send(const HttpRequest& request, const std::string& token) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + request.deadline;
  const auto left = [&] {
    return std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  };
  const HttpFailure late{"no answer within " + std::to_string(request.deadline.count()) + " ms",
                         false, false};
  const auto call = start(request, token);
  if (!call->wait_for(request.deadline)) {
    call->cancel();
    auto result = call->take();  // says whether the request was sent
    return tl::make_unexpected(HttpFailure{late.what, !result && result.error().sent, false});
  }
  auto result = call->take();
  while (result) {
    const auto part = call->next(left());
    if (!part || !*part) {
      return tl::make_unexpected(HttpFailure{part ? part->error().what : late.what, true, false});
    }
    if ((*part)->empty()) {
      break;
    }
    result->body.insert(result->body.end(), (*part)->begin(), (*part)->end());
  }
  return result;
}

}  // namespace vtepd::consul
