// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace vtepd::filestore {

// The mapping between keys and paths below kv/. A key is split at '/'; every component but the last
// is a directory. Within a component, '%', control bytes, DEL and a leading '.' become %XX (upper
// case), and an empty component becomes "%-". The file's name ends in "%2F" if the key ends in '/'
// and in a lone '%' if not, so that the keys "a", "a/" and "a/b" live side by side:
//
//   docker/nodes/10.0.0.1:2376          docker/nodes/10.0.0.1:2376%
//   docker/network/v1.0/network/<id>/   docker/network/v1.0/network/<id>%2F
//
// Only the spelling that encode makes is accepted back, so a path and a key name each other
// one-to-one, and whatever an editor or rsync leaves behind is not a key.

// Invalid: an empty key, a component of more than 255 bytes when encoded, a path of more than 4000.
Result<std::string> path_of_key(std::string_view key);

// Empty if the path is not one that path_of_key makes.
std::optional<std::string> key_of_path(std::string_view path);

// For walking: one directory's name to the component it stands for, and one file's name to the
// key's last component (with its '/' where the key has one).
std::optional<std::string> component_of_directory(std::string_view name);
std::optional<std::string> component_of_file(std::string_view name);

std::string encode_component(std::string_view component);

}  // namespace vtepd::filestore
