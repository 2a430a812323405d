// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vtepd::registry {

// RFC 4648 section 4, with padding, without line breaks. Decoding accepts only what encoding makes.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace vtepd::registry
