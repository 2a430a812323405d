// SPDX-License-Identifier: GPL-2.0-only
// Any text as Docker's gossip: refused, or one that survives writing. The first line is an event's
// name, the rest its payload; each is also tried as a question and as an answer.
#include "registry/gossip_codec.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vtepd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  const auto name = text.substr(0, line);
  const auto payload = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
  if (const auto event = PeerEvent::parse(name, payload)) {
    const auto again = PeerEvent::parse(event->name(), event->payload());
    if (!again || *again != *event) {
      std::abort();
    }
  }
  if (const auto lookup = PeerLookup::parse(payload)) {
    const auto again = PeerLookup::parse(lookup->payload());
    if (!again || *again != *lookup) {
      std::abort();
    }
  }
  for (const char* asked : {"192.0.2.1", "2001:db8::1"}) {
    const auto address = *IpAddress::parse(asked);
    if (const auto answer = PeerAnswer::parse(address, payload)) {
      const auto again = PeerAnswer::parse(address, answer->payload());
      if (!again || *again != *answer) {
        std::abort();
      }
    }
  }
  return 0;
}
