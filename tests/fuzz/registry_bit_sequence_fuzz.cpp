// SPDX-License-Identifier: GPL-2.0-only
// Any text as a bit sequence: refused, or one that survives encoding. Its count of zero bits may be
// off (dockerd writes such ones) and decides nothing.
#include "registry/bit_sequence.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vtepd::registry::BitSequence;
  auto bits = BitSequence::decode({reinterpret_cast<const char*>(data), size});
  if (!bits) {
    return 0;
  }
  const auto again = BitSequence::decode(bits->encode());
  if (!again || !(*again == *bits)) {
    std::abort();
  }
  const auto free = bits->first_free(0, bits->bits() - 1);
  if (!free && bits->bits() > 0 && !(bits->test(0) && bits->test(bits->bits() - 1))) {
    std::abort();
  }
  const bool counted = bits->unselected() > 0;  // a count of 0 does not go below it
  if (free && (bits->test(*free) || !bits->set(*free) || !bits->test(*free) ||
               !bits->clear(*free) || bits->test(*free) || (counted && *bits != *again))) {
    std::abort();
  }
  return 0;
}
