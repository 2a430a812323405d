// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace vtepd::test {

// A file store as configuration management writes it: one file per key, by docs/filestore.md.
struct StoredEndpoint {
  std::string network_id;
  std::string id;  // 64 hex digits
  std::string address;
  std::string mac;
  std::string vtep;
};

// The value of an endpoint's key, as dockerd writes it.
std::string endpoint_value(const StoredEndpoint& endpoint);

std::string endpoint_file(const std::string& store, const std::string& network_id,
                          const std::string& id);
// As dockerd writes it; under another name first, then renamed, so that nobody reads half of it.
void write_endpoint(const std::string& store, const StoredEndpoint& endpoint);

// The i-th address of 172.16.1.0 and up, and Docker's MAC for it.
std::string numbered_address(unsigned number);
std::string numbered_mac(unsigned number);

// 64 hex digits made from a number.
std::string numbered_id(unsigned number);

}  // namespace vtepd::test
