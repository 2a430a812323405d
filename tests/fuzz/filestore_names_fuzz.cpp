// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as a key and as a path: both ways of the mapping undo each other, and no path leads out
// of the folder.
#include "filestore/file_names.h"
#include "filestore/journal.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vtepd::filestore;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto path = path_of_key(text)) {
    const bool out = path->starts_with('/') || ("/" + *path).find("/.") != std::string::npos ||
                     path->find('\n') != std::string::npos || path->find('\0') != std::string::npos;
    if (key_of_path(*path) != text || out) {
      std::abort();
    }
  }
  if (const auto key = key_of_path(text)) {
    const auto path = path_of_key(*key);
    if (path && *path != text) {
      std::abort();
    }
  }
  if (const auto record = parse_line(text)) {
    if (parse_line(to_line(*record).substr(0, to_line(*record).size() - 1))->index !=
        record->index) {
      std::abort();
    }
  }
  return 0;
}
