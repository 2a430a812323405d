// SPDX-License-Identifier: GPL-2.0-only
// The only file that includes cpprestsdk.
#include "consul/http.h"

#include <charconv>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/ssl.hpp>
#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <openssl/crypto.h>
#include <pplx/threadpool.h>

namespace vtepd::consul {

namespace {

namespace web_http = web::http;
using web_http::client::http_client;
using web_http::client::http_client_config;
using Body = concurrency::streams::container_buffer<std::vector<std::uint8_t>>;
using Token = pplx::cancellation_token_source;

constexpr std::size_t kThreads = 2;

struct TooLarge : std::exception {};

// What the library's threads and the caller share of one call. The first result counts: after a
// cancellation the library's own may come late (a name that is being looked up).
struct CallState {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<HttpResult> result;
  bool sent = false;
  Token token;

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

HttpResponse answer_of(const web_http::http_response& response, Body& body) {
  HttpResponse answer;
  answer.status = response.status_code();
  answer.body = std::move(body.collection());
  answer.index = number(response.headers(), "X-Consul-Index");
  answer.last_contact_ms = number(response.headers(), "X-Consul-LastContact");
  const auto leader = response.headers().find("X-Consul-KnownLeader");
  if (leader != response.headers().end()) {
    answer.known_leader = leader->second == "true";
  }
  return answer;
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
    state_->finish(tl::make_unexpected(HttpFailure{"ended", false, true}));
    state_->token.cancel();
  }

  HttpResult take() override {
    std::unique_lock guard(state_->mutex);
    state_->changed.wait(guard, [this] { return state_->result.has_value(); });
    return std::move(*state_->result);
  }

 private:
  std::shared_ptr<CallState> state_;
};

// Contents of the TLS files, read once: a file that breaks later cannot weaken a connection.
struct Credentials {
  std::string ca;
  std::string cert;
  std::string key;
};

boost::system::error_code load(boost::asio::ssl::context& context, const Credentials& pem) {
  boost::system::error_code error;
  if (!pem.ca.empty()) {
    // Only these authorities, not the host's besides.
    SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
    context.add_certificate_authority(boost::asio::buffer(pem.ca), error);
  }
  if (!error && !pem.cert.empty()) {
    context.use_certificate_chain(boost::asio::buffer(pem.cert), error);
  }
  if (!error && !pem.key.empty()) {
    context.use_private_key(boost::asio::buffer(pem.key), boost::asio::ssl::context::pem, error);
  }
  return error;
}

Result<std::string> read_pem(const std::string& path) {
  if (path.empty()) {
    return std::string();
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.empty()) {
    return fail(ErrorKind::Invalid, "the TLS file '" + path + "' cannot be read or is empty");
  }
  return text;
}

// Each file is tried alone, so that the message names the right one.
Result<Credentials> read_credentials(const TlsFiles& files) {
  Credentials all;
  for (const auto& [path, member] :
       {std::pair(files.ca, &Credentials::ca), std::pair(files.cert, &Credentials::cert),
        std::pair(files.key, &Credentials::key)}) {
    auto text = read_pem(path);
    if (!text) {
      return fail(text.error());
    }
    all.*member = std::move(*text);
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
    if (const auto error = load(context, all)) {
      return fail(ErrorKind::Invalid, "the TLS file '" + path + "': " + error.message());
    }
  }
  return all;
}

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

void CpprestClient::launch(web_http::http_request message, HttpRequest::Method method,
                           const std::shared_ptr<CallState>& state) {
  const auto body = std::make_shared<Body>();
  message.set_response_stream(body->create_ostream());
  message.set_progress_handler([state, limit = options_.body_limit](auto direction, auto bytes) {
    if (direction == web_http::message_direction::upload) {
      const std::lock_guard guard(state->mutex);
      state->sent = true;
    } else if (bytes > limit) {
      throw TooLarge();
    }
  });
  const auto client = client_for(method);
  client->request(message, state->token.get_token())
      .then([](const web_http::http_response& response) { return response.content_ready(); })
      .then([state, body, client, pool = pool_,
             limit = options_.body_limit](const pplx::task<web_http::http_response>& task) {
        std::string what;
        try {
          state->finish(answer_of(task.get(), *body));
          return;
        } catch (const TooLarge&) {
          what = "the answer is over the limit of " + std::to_string(limit) +
                 " bytes ('body_limit' in [store])";
        } catch (const std::exception& error) {
          what = error.what();
        }
        pool->drop(client);
        state->finish(tl::make_unexpected(HttpFailure{std::move(what), false, false}));
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
  const auto call = start(request, token);
  if (call->wait_for(request.deadline)) {
    return call->take();
  }
  call->cancel();
  auto result = call->take();
  if (!result && result.error().canceled) {
    result.error().what = "no answer within " + std::to_string(request.deadline.count()) + " ms";
    result.error().canceled = false;
  }
  return result;
}

}  // namespace vtepd::consul
