// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as configuration file: an error with its place, or a configuration within its bounds.
#include "config/config.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = vtepd::parse_config({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (config) {
    const bool one_of = config->underlay.address.has_value() != !config->underlay.device.empty();
    if (!one_of || !vtepd::is_instance_name(config->instance) || config->limits.fdb == 0 ||
        config->api.socket.front() != '/') {
      std::abort();
    }
  } else if (config.error().what.rfind("fuzz.toml:", 0) != 0) {
    std::abort();
  }
  return 0;
}
