// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "consul/http.h"

#include <string>

namespace boost::asio::ssl {
class context;
}

namespace vtepd::consul {

// Contents of the TLS files, read once: a file that breaks later cannot weaken a connection.
struct Credentials {
  std::string ca;
  std::string cert;
  std::string key;
};

// Invalid if one cannot be used; the message names it.
Result<Credentials> read_credentials(const TlsFiles& files);

// What is wrong; empty: nothing.
std::string load(boost::asio::ssl::context& context, const Credentials& pem);

}  // namespace vtepd::consul
