// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/http.h"
#include "consul/token.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace vtepd::consul {

// The configured addresses of one Consul cluster. Calls go to the one that answered last; one that
// does not answer, or says that it cannot serve now, is passed over for the next. A write goes to
// another only while it is certain that the first did not carry it out.
//
// Threading: any thread may call.
class Servers {
 public:
  struct Options {
    std::vector<std::string> addresses;
    std::string token_file;
    TlsFiles tls;
    std::size_t body_limit = 0;
    std::chrono::milliseconds stall{0};        // how long a server may be silent in a call
    std::chrono::milliseconds watch_stall{0};  // and in a blocking query
  };

  static Result<std::unique_ptr<Servers>> create(const Options& options);

  // An answer with status 200, or any in `also`. Every other outcome is an error that names
  // server, operation and reason; `operation` reads like "read 'key'".
  Result<HttpResponse> exchange(const HttpRequest& request, const std::string& operation,
                                const std::vector<unsigned>& also = {});

  // A blocking query to the present server.
  struct Query {
    std::unique_ptr<HttpCall> call;
    std::size_t server = 0;
  };

  Query start_query(const std::string& target);
  // What became of a query: status and headers; the body is then read from its call. A failure
  // makes the next server the present one.
  Result<HttpResponse> finish_query(Query& query, const std::string& operation,
                                    const std::vector<unsigned>& also);

  // The query failed after that, in its body.
  void give_up(const Query& query) { leave(query.server); }

  // Whether that server answers and knows a leader.
  Result<void> probe(std::size_t server);

 private:
  struct Server {
    std::unique_ptr<HttpClient> calls;
    std::unique_ptr<HttpClient> queries;
  };

  Servers(std::vector<Server> servers, AclToken token);
  void leave(std::size_t server);
  Result<HttpResponse> judge(HttpResult result, std::size_t server, const std::string& operation,
                             const std::vector<unsigned>& also) const;

  std::vector<Server> servers_;
  AclToken token_;
  std::atomic<std::size_t> current_{0};
};

}  // namespace vtepd::consul
