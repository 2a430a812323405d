// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_names.h"

#include <cstddef>

namespace vtepd::filestore {

namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kEmptyComponent = "%-";
constexpr std::string_view kSlashEnd = "%2F";
constexpr std::size_t kNameMax = 255;
constexpr std::size_t kPathMax = 4000;  // PATH_MAX less the store's own folder, which is not in it

bool needs_escape(char c, bool first) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '%' || byte < 0x20 || byte == 0x7f || (first && c == '.');
}

std::optional<unsigned> hex_value(char c) {
  const auto at = kHex.find(c);
  return at == std::string_view::npos ? std::nullopt
                                      : std::optional<unsigned>(static_cast<unsigned>(at));
}

std::optional<std::string> decode_component(std::string_view name) {
  if (name == kEmptyComponent) {
    return std::string();
  }
  std::string component;
  component.reserve(name.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      component += name[i];
      continue;
    }
    if (i + 2 >= name.size()) {
      return std::nullopt;
    }
    const auto high = hex_value(name[i + 1]);
    const auto low = hex_value(name[i + 2]);
    if (!high || !low) {
      return std::nullopt;
    }
    component += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  // The comparison refuses every other spelling: an escape that is not needed, "..", an empty name.
  return encode_component(component) == name ? std::optional(component) : std::nullopt;
}

}  // namespace

std::string encode_component(std::string_view component) {
  if (component.empty()) {
    return std::string(kEmptyComponent);
  }
  std::string name;
  name.reserve(component.size() + 3);
  for (std::size_t i = 0; i < component.size(); ++i) {
    if (!needs_escape(component[i], i == 0)) {
      name += component[i];
      continue;
    }
    const auto byte = static_cast<unsigned char>(component[i]);
    name += '%';
    name += kHex[byte >> 4U];
    name += kHex[byte & 15U];
  }
  return name;
}

Result<std::string> path_of_key(std::string_view key) {
  if (key.empty()) {
    return fail(ErrorKind::Invalid, "the empty key cannot be stored");
  }
  const bool slash_end = key.back() == '/';
  auto rest = slash_end ? key.substr(0, key.size() - 1) : key;
  std::string path;
  path.reserve(key.size() + 8);
  for (;;) {
    const auto slash = rest.find('/');
    const bool last = slash == std::string_view::npos;
    auto name = encode_component(rest.substr(0, slash));
    if (last) {
      name += slash_end ? kSlashEnd : "%";
    }
    if (name.size() > kNameMax || path.size() + name.size() > kPathMax) {
      return fail(ErrorKind::Invalid, "the key '" + std::string(key.substr(0, 80)) +
                                          "…' does not fit into a file name: a component may have "
                                          "255 bytes and a key 4000");
    }
    path += name;
    if (last) {
      return path;
    }
    path += '/';
    rest.remove_prefix(slash + 1);
  }
}

std::optional<std::string> component_of_directory(std::string_view name) {
  return decode_component(name);
}

std::optional<std::string> component_of_file(std::string_view name) {
  if (name.ends_with(kSlashEnd)) {
    auto component = decode_component(name.substr(0, name.size() - kSlashEnd.size()));
    return component ? std::optional(*component + '/') : std::nullopt;
  }
  // A component never is empty without a '/' behind it: such a key ends in '/'.
  if (!name.ends_with('%') || name == "%-%") {
    return std::nullopt;
  }
  return decode_component(name.substr(0, name.size() - 1));
}

std::optional<std::string> key_of_path(std::string_view path) {
  std::string key;
  for (;;) {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) {
      auto last = component_of_file(path);
      return last ? std::optional(key + *last) : std::nullopt;
    }
    const auto component = component_of_directory(path.substr(0, slash));
    if (!component) {
      return std::nullopt;
    }
    key += *component + '/';
    path.remove_prefix(slash + 1);
  }
}

}  // namespace vtepd::filestore
