// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/offloads.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace vtepd::netlink {

namespace {

// Words of 32 features; the kernel has two now and says so if there are more.
constexpr std::uint32_t kMostBlocks = 8;

// One of ethtool's requests; `data` begins with the command's structure.
Result<void> ethtool(const std::string& ifname, void* data, const std::string& what) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(static_cast<char*>(request.ifr_name), ifname.c_str(), IFNAMSIZ - 1);
  request.ifr_data = static_cast<char*>(data);
  // The result of a setting is positive where some of it did not come about.
  if (!socket.valid() || ioctl(socket.get(), SIOCETHTOOL, &request) < 0) {
    return fail_errno(errno, what + " of interface '" + ifname + "'");
  }
  return {};
}

Result<std::vector<ethtool_get_features_block>> read_features(const std::string& ifname) {
  std::array<std::uint32_t,
             (sizeof(ethtool_gfeatures) + kMostBlocks * sizeof(ethtool_get_features_block)) /
                 sizeof(std::uint32_t)>
      buffer{ETHTOOL_GFEATURES, kMostBlocks};
  if (auto read = ethtool(ifname, buffer.data(), "read the offloads"); !read) {
    return fail(read.error());
  }
  std::vector<ethtool_get_features_block> blocks(std::min(buffer[1], kMostBlocks));
  std::memcpy(blocks.data(), &buffer[2], blocks.size() * sizeof(ethtool_get_features_block));
  return blocks;
}

// Which bit is whose the kernel tells by names alone, and those only to who knows how many they
// are.
Result<std::vector<std::string>> feature_names(const std::string& ifname) {
  const std::string what = "read the names of the offloads";
  std::array<std::uint32_t, sizeof(ethtool_sset_info) / sizeof(std::uint32_t) + 1> set{};
  set[0] = ETHTOOL_GSSET_INFO;
  const std::uint64_t features = std::uint64_t{1} << ETH_SS_FEATURES;
  std::memcpy(&set[offsetof(ethtool_sset_info, sset_mask) / sizeof(std::uint32_t)], &features,
              sizeof features);
  if (auto counted = ethtool(ifname, set.data(), what); !counted) {
    return fail(counted.error());
  }
  const std::uint32_t count = set.back();
  std::vector<std::uint32_t> strings(
      (sizeof(ethtool_gstrings) + std::size_t{count} * ETH_GSTRING_LEN) / sizeof(std::uint32_t));
  strings[0] = ETHTOOL_GSTRINGS;
  strings[1] = ETH_SS_FEATURES;
  strings[2] = count;
  if (auto read = ethtool(ifname, strings.data(), what); !read) {
    return fail(read.error());
  }
  std::vector<std::string> names(std::min(strings[2], count));
  const auto* text = reinterpret_cast<const char*>(&strings[3]);
  for (auto& name : names) {
    name.assign(text, strnlen(text, ETH_GSTRING_LEN));
    text += ETH_GSTRING_LEN;
  }
  return names;
}

}  // namespace

Result<bool> segments_tunnels(const std::string& ifname) {
  const auto names = feature_names(ifname);
  if (!names) {
    return fail(names.error());
  }
  const auto blocks = read_features(ifname);
  if (!blocks) {
    return fail(blocks.error());
  }
  const auto is_on = [&](const char* name) {
    const auto at = std::find(names->begin(), names->end(), name);
    const auto bit = static_cast<std::size_t>(at - names->begin());
    return at != names->end() && bit / 32 < blocks->size() &&
           ((*blocks)[bit / 32].active >> (bit % 32) & 1U) != 0;
  };
  return is_on("tx-tcp-segmentation") && is_on("tx-udp_tnl-segmentation");
}

Result<bool> offloads_are_off(const std::string& ifname) {
  const auto blocks = read_features(ifname);
  if (!blocks) {
    return fail(blocks.error());
  }
  std::uint32_t left = 0;
  for (const auto& block : *blocks) {
    left |= block.active & block.available & ~block.never_changed;
  }
  return left == 0;
}

Result<void> turn_offloads_off(const std::string& ifname) {
  const auto blocks = read_features(ifname);
  if (!blocks) {
    return fail(blocks.error());
  }
  std::vector<std::uint32_t> request{ETHTOOL_SFEATURES, static_cast<std::uint32_t>(blocks->size())};
  for (const auto& block : *blocks) {
    request.push_back(block.available & ~block.never_changed);
    request.push_back(0);
  }
  if (auto set = ethtool(ifname, request.data(), "turn off the offloads"); !set) {
    return set;
  }
  const auto off = offloads_are_off(ifname);
  if (!off) {
    return fail(off.error());
  }
  return *off ? Result<void>()
              : fail(ErrorKind::Unavailable,
                     "the kernel keeps offloads of interface '" + ifname + "' turned on");
}

}  // namespace vtepd::netlink
