// SPDX-License-Identifier: GPL-2.0-only
#include "consul/credentials.h"

#include <fstream>
#include <iterator>
#include <utility>

#include <boost/asio/ssl.hpp>
#include <openssl/ssl.h>

namespace vtepd::consul {

namespace {

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

}  // namespace

std::string load(boost::asio::ssl::context& context, const Credentials& pem) {
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
  return error ? error.message() : std::string();
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
    if (const auto error = load(context, all); !error.empty()) {
      return fail(ErrorKind::Invalid, "the TLS file '" + path + "': " + error);
    }
  }
  return all;
}

}  // namespace vtepd::consul
