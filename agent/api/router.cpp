// SPDX-License-Identifier: GPL-2.0-only
#include "api/router.h"

#include "api/json_codec.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace vtepd {

namespace {

using Done = std::function<void(ApiAnswer)>;

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kMethodNotAllowed = 405;

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Invalid:
      return kBadRequest;
    case ErrorKind::NotFound:
      return kNotFound;
    case ErrorKind::Conflict:
      return 409;
    case ErrorKind::Exhausted:
      return 507;
    case ErrorKind::Unavailable:
      return 503;
    case ErrorKind::Denied:
      return 403;
    case ErrorKind::Internal:
      return 500;
  }
  return 500;
}

template <typename T>
ApiAnswer answer(const Result<T>& result, int status = kOk) {
  if (!result) {
    return error_answer(result.error());
  }
  return {.status = status, .body = to_json(*result), .allow = {}};
}

template <typename T>
Control::Reply<T> reply(Done done, int status = kOk) {
  return
      [done = std::move(done), status](const Result<T>& result) { done(answer(result, status)); };
}

// What a handler gets: `name` is the path's variable part.
struct Call {
  Control& control;
  std::string name;
  const std::string& body;
  Done done;
};

void create_network(Call call) {
  const auto spec = from_json<NetworkSpec>(call.body);
  if (!spec) {
    call.done(error_answer(spec.error()));
    return;
  }
  call.control.create_network(*spec, reply<NetworkView>(std::move(call.done), kCreated));
}

void attach(Call call) {
  const auto request = from_json<AttachRequest>(call.body);
  if (!request) {
    call.done(error_answer(request.error()));
    return;
  }
  call.control.attach(*request, [done = std::move(call.done)](const Result<AttachReply>& result) {
    done(answer(result, result && !result->existed ? kCreated : kOk));
  });
}

void detach(Call call) {
  const auto request = from_json<DetachRequest>(call.body);
  if (!request) {
    call.done(error_answer(request.error()));
    return;
  }
  call.control.detach(*request, reply<EndpointView>(std::move(call.done)));
}

void add_address(Call call) {
  const auto request = from_json<AddressRequest>(call.body);
  if (!request) {
    call.done(error_answer(request.error()));
    return;
  }
  call.control.add_address(*request, reply<EndpointView>(std::move(call.done)));
}

void remove_address(Call call) {
  const auto request = from_json<AddressRequest>(call.body);
  if (!request) {
    call.done(error_answer(request.error()));
    return;
  }
  call.control.remove_address(*request, reply<EndpointView>(std::move(call.done)));
}

void repair(Call call) {
  const auto request = from_json<RepairRequest>(call.body);
  if (!request) {
    call.done(error_answer(request.error()));
    return;
  }
  call.control.repair(*request, reply<RepairReply>(std::move(call.done)));
}

struct Route {
  std::string_view method;
  std::string_view path;  // "*" stands for one segment
  void (*handle)(Call call);
};

const std::vector<Route>& routes() {
  static const std::vector<Route> table{
      {"GET", "/v1/status",
       [](Call call) { call.done(answer(Result<StatusView>(call.control.status()))); }},
      {"GET", "/v1/networks",
       [](Call call) {
         call.control.list_networks(reply<std::vector<NetworkView>>(std::move(call.done)));
       }},
      {"POST", "/v1/networks", create_network},
      {"GET", "/v1/networks/*",
       [](Call call) {
         call.control.inspect_network(call.name, reply<NetworkView>(std::move(call.done)));
       }},
      {"DELETE", "/v1/networks/*",
       [](Call call) {
         call.control.remove_network(call.name, reply<NetworkView>(std::move(call.done)));
       }},
      {"GET", "/v1/endpoints",
       [](Call call) {
         call.control.endpoints(reply<std::vector<EndpointView>>(std::move(call.done)));
       }},
      {"GET", "/v1/endpoints/stale",
       [](Call call) {
         call.control.stale_endpoints(reply<std::vector<EndpointView>>(std::move(call.done)));
       }},
      {"GET", "/v1/differences",
       [](Call call) {
         call.control.differences(reply<std::vector<DifferenceView>>(std::move(call.done)));
       }},
      {"POST", "/v1/repair", repair},
      {"POST", "/v1/endpoints", attach},
      {"POST", "/v1/endpoints/detach", detach},
      {"POST", "/v1/addresses", add_address},
      {"POST", "/v1/addresses/remove", remove_address},
      {"DELETE", "/v1/endpoints/*",
       [](Call call) {
         DetachRequest request;
         request.endpoint = call.name;
         call.control.detach(request, reply<EndpointView>(std::move(call.done)));
       }},
      {"GET", "/v1/fdb", [](Call call) { call.done(answer(call.control.fdb())); }},
      {"GET", "/v1/neigh", [](Call call) { call.done(answer(call.control.neighbours())); }},
      {"GET", "/v1/vteps", [](Call call) { call.done(answer(call.control.vteps())); }},
      {"GET", "/v1/drops", [](Call call) { call.done(answer(call.control.drops())); }},
  };
  return table;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || code != std::errc{} || end != digits.data() + 2 || value == 0) {
      return std::nullopt;
    }
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

// The path's variable part ("" if it has none) if the path is the pattern's.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  if (pattern.back() != '*') {
    return pattern == path ? std::optional<std::string_view>("") : std::nullopt;
  }
  const auto fixed = pattern.substr(0, pattern.size() - 1);
  if (path.substr(0, fixed.size()) != fixed) {
    return std::nullopt;
  }
  const auto name = path.substr(fixed.size());
  return name.empty() || name.find('/') != std::string_view::npos ? std::nullopt
                                                                  : std::optional(name);
}

}  // namespace

ApiAnswer error_answer(const Error& error, int status) {
  return {.status = status, .body = to_json(error), .allow = {}};
}

ApiAnswer error_answer(const Error& error) {
  return error_answer(error, status_of(error.kind));
}

void answer_request(Control& control, const ApiRequest& request, Done done) {
  std::string allow;
  for (const auto& route : routes()) {
    const auto variable = match(route.path, request.target);
    if (!variable) {
      continue;
    }
    if (route.method != request.method) {
      allow += (allow.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    auto name = percent_decoded(*variable);
    if (!name) {
      done(error_answer(
          {ErrorKind::Invalid, "'" + std::string(*variable) + "' is no valid percent-encoding"}));
      return;
    }
    route.handle({control, std::move(*name), request.body, std::move(done)});
    return;
  }
  if (allow.empty()) {
    done(error_answer({ErrorKind::NotFound, "there is no " + request.target}));
    return;
  }
  auto refused = error_answer(
      {ErrorKind::Invalid, request.target + " has " + allow + ", not " + request.method},
      kMethodNotAllowed);
  refused.allow = allow;
  done(refused);
}

}  // namespace vtepd
