// SPDX-License-Identifier: GPL-2.0-only
#include "registry/ipam_codec.h"

#include "registry/json_text.h"

#include <limits>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

namespace vtepd::registry {

namespace {

Result<Json> parse_config(std::string_view key, std::string_view value) {
  auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  if (const auto* subnets = members.object("Subnets", false); subnets != nullptr) {
    for (const auto& [id, pool] : subnets->items()) {
      Members entry(pool, std::string(key) + ": pool '" + id + "'");
      static_cast<void>(entry.number("RefCount", true, std::numeric_limits<std::int32_t>::max()));
      static_cast<void>(entry.object("ParentKey", false));
      if (entry.error()) {
        return fail(*entry.error());
      }
    }
  }
  if (members.error()) {
    return fail(*members.error());
  }
  if (!json->contains("Subnets") || (*json)["Subnets"].is_null()) {
    (*json)["Subnets"] = Json::object();
  }
  return json;
}

// As Docker spells a parent: empty if the pool is a whole one.
std::string parent_of(const Json& pool) {
  Members members(pool, "");
  const auto* parent = members.object("ParentKey", false);
  if (parent == nullptr) {
    return {};
  }
  Members fields(*parent, "");
  const auto space = fields.text("AddressSpace", false);
  const auto subnet = fields.text("Subnet", false);
  const auto child = fields.text("ChildSubnet", false);
  if (space.empty() || subnet.empty()) {
    return {};
  }
  return space + "/" + subnet + (child.empty() ? "" : "/" + child);
}

}  // namespace

Result<NamedBits> decode_bits(std::string_view key, std::string_view value) {
  const auto json = parse_json(value);
  if (!json) {
    return fail(json.error().context(key));
  }
  Members members(*json, std::string(key));
  const auto id = members.text("id", true);
  const auto sequence = members.text("sequence", true);
  if (members.error()) {
    return fail(*members.error());
  }
  auto bits = BitSequence::decode(sequence);
  if (!bits) {
    return fail(bits.error().context(std::string(key) + ": field 'sequence'"));
  }
  return NamedBits{id, std::move(*bits)};
}

std::string encode_bits(const NamedBits& named) {
  return to_text(Json{{"id", named.id}, {"sequence", named.bits.encode()}});
}

std::string empty_pools() {
  return to_text(Json{{"Scope", "global"}, {"Subnets", Json::object()}});
}

Result<std::vector<std::string>> pool_ids(std::string_view key, std::string_view value) {
  const auto json = parse_config(key, value);
  if (!json) {
    return fail(json.error());
  }
  std::vector<std::string> ids;
  for (const auto& [id, pool] : (*json)["Subnets"].items()) {
    ids.push_back(id);
  }
  return ids;
}

Result<std::string> with_pool(std::string_view key, std::string_view value,
                              const std::string& pool_id, const IpPrefix& pool) {
  auto json = parse_config(key, value);
  if (!json) {
    return fail(json.error());
  }
  if (!(*json)["Subnets"].empty()) {
    (*json)["Scope"] = "";  // dockerd forgets it in whatever it writes again
  }
  std::map<std::string, Json> sorted;  // Go's order of a map
  for (auto& [id, entry] : (*json)["Subnets"].items()) {
    sorted.emplace(id, std::move(entry));
  }
  sorted.insert_or_assign(
      pool_id, Json{{"ParentKey", Json{{"AddressSpace", ""}, {"Subnet", ""}, {"ChildSubnet", ""}}},
                    {"Pool", pool.to_string()},
                    {"RefCount", 1}});
  auto subnets = Json::object();
  for (auto& [id, entry] : sorted) {
    subnets[id] = std::move(entry);
  }
  (*json)["Subnets"] = std::move(subnets);
  return to_text(*json);
}

Result<ReleasedPool> without_pool(std::string_view key, std::string_view value,
                                  const std::string& pool_id) {
  auto json = parse_config(key, value);
  if (!json) {
    return fail(json.error());
  }
  auto& subnets = (*json)["Subnets"];
  ReleasedPool released;
  for (std::string id = pool_id; !id.empty();) {
    const auto entry = subnets.find(id);
    if (entry == subnets.end()) {
      break;
    }
    released.changed = true;
    auto parent = parent_of(*entry);
    const auto users = (*entry)["RefCount"].get<std::uint64_t>();
    if (users > 1) {
      (*entry)["RefCount"] = users - 1;
    } else {
      released.last_user = parent.empty();
      subnets.erase(id);
    }
    id = std::move(parent);
  }
  if (released.changed) {
    (*json)["Scope"] = "";  // as with_pool
  }
  released.value = to_text(*json);
  return released;
}

}  // namespace vtepd::registry
