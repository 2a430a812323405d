// SPDX-License-Identifier: GPL-2.0-only
#include "unit/registry/stored_keys.h"

#include "registry/endpoint_codec.h"
#include "registry/ipam_codec.h"
#include "registry/keys.h"
#include "registry/network_codec.h"
#include "registry/own_codec.h"

#include <optional>
#include <sstream>

namespace vtepd::test {

namespace {

using namespace registry;

// Reads a value and writes it again; or why it cannot be read.
Result<std::string> network_again(const std::string& key, std::string_view id,
                                  const std::string& value) {
  const auto network = decode_network(key, id, value);
  return network ? with_in_delete(key, value, network->in_delete) : fail(network.error());
}

Result<std::string> overlay_again(const std::string& key, const std::string& value) {
  const auto overlay = decode_overlay(key, value);
  return overlay ? Result<std::string>(encode_overlay(*overlay)) : fail(overlay.error());
}

Result<std::string> endpoint_again(const std::string& key, const Keys::Parsed& parsed,
                                   const std::string& value) {
  const auto endpoint = decode_endpoint(key, parsed.network_id, parsed.endpoint_id, value);
  return endpoint ? without_taking(key, value) : fail(endpoint.error());
}

Result<std::string> count_again(const std::string& key, const std::string& value) {
  const auto count = decode_count(key, value);
  return count ? Result<std::string>(encode_count(*count)) : fail(count.error());
}

Result<std::string> bits_again(const std::string& key, const std::string& value) {
  const auto bits = decode_bits(key, value);
  return bits ? Result<std::string>(encode_bits(*bits)) : fail(bits.error());
}

// A pool that nobody has is taken out: nothing changes.
Result<std::string> pools_again(const std::string& key, const std::string& value) {
  const auto ids = pool_ids(key, value);
  if (!ids) {
    return fail(ids.error());
  }
  for (const std::string& id : *ids) {
    if (const auto parsed = parse_pool_id(id); !parsed) {
      return fail(parsed.error());
    }
  }
  const auto released = without_pool(key, value, "GlobalDefault/203.0.113.0/24");
  return released ? Result<std::string>(released->value) : fail(released.error());
}

// Nothing for keys that agent/registry does not read.
std::optional<Result<std::string>> again(const std::string& key, const std::string& value) {
  const Keys keys("");
  const auto has = [&](const char* part) {
    return key.starts_with(std::string("docker/network/v1.0/") + part);
  };
  const auto parsed = keys.parse(key);
  switch (parsed.kind) {
    case Keys::Parsed::Kind::Network:
      return network_again(key, parsed.network_id, value);
    case Keys::Parsed::Kind::Overlay:
      return overlay_again(key, value);
    case Keys::Parsed::Kind::Endpoint:
      return endpoint_again(key, parsed, value);
    default:
      break;
  }
  if (has("endpoint_count/")) {
    return count_again(key, value);
  }
  if (has("idm/vxlan-id/") || has("ipam/default/data/")) {
    return bits_again(key, value);
  }
  if (has("ipam/default/config/")) {
    return pools_again(key, value);
  }
  return std::nullopt;
}

}  // namespace

std::string steps_to_text(const std::string& comment, const std::vector<StoredStep>& steps) {
  std::string text = comment;
  StoredKeys before;
  for (const StoredStep& step : steps) {
    text += "\n# " + step.what + "\n";
    for (const auto& [key, value] : step.keys) {
      const auto old = before.find(key);
      if (old == before.end() || old->second != value) {
        text += key;
        text += "\t" + value + "\n";
      }
    }
    for (const auto& [key, value] : before) {
      if (!step.keys.contains(key)) {
        text += "-" + key + "\n";
      }
    }
    before = step.keys;
  }
  return text;
}

std::vector<StoredStep> steps_from_text(const std::string& text) {
  std::vector<StoredStep> steps;
  bool comment = true;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      comment = false;
    } else if (line.starts_with("# ") && !comment) {
      steps.push_back({line.substr(2), steps.empty() ? StoredKeys{} : steps.back().keys});
    } else if (line.starts_with("-") && !steps.empty()) {
      steps.back().keys.erase(line.substr(1));
    } else if (const auto tab = line.find('\t'); tab != std::string::npos && !steps.empty()) {
      steps.back().keys[line.substr(0, tab)] = line.substr(tab + 1);
    }
  }
  return steps;
}

std::vector<std::string> objections(const StoredKeys& keys) {
  std::vector<std::string> found;
  for (const auto& [key, value] : keys) {
    const bool directory = value.empty();
    const auto written = directory ? std::nullopt : again(key, value);
    if (!written) {
      continue;
    }
    if (!*written) {
      found.push_back(written->error().what);
    } else if (**written != value) {
      found.push_back(key + ": is written as " + **written + " instead of " + value);
    }
  }
  return found;
}

}  // namespace vtepd::test
