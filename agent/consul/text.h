// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vtepd::consul {

// Percent-encodes what may not stand in the path of a URL; '/' stays.
[[nodiscard]] std::string encode_path(std::string_view text);

// False for a key that Consul's server would clean up ("a//b", "a/../b") when it stands in a path.
// Such keys only go in the body of a transaction.
[[nodiscard]] bool fits_in_path(std::string_view key);

[[nodiscard]] std::string encode_base64(std::string_view bytes);
// Strict: standard alphabet, padded, no white space.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

// What a server said, for a message: at most 200 printable characters on one line.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace vtepd::consul
