// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ctl/command_line.h"

#include <optional>
#include <string>
#include <vector>

namespace vtepd::ctl {

// Arguments as typed, where they are more than text.
struct Arguments {
  std::vector<std::string> subnets;
  std::string vni;
  std::string mtu;
  std::vector<std::string> addresses;
  std::string mac;
  std::string netns;
  std::string wait;
  bool no_source_check = false;
  std::vector<std::string> allowed_addresses;
  std::vector<std::string> allowed_macs;
  std::string target;   // detach: endpoint or network
  std::string address;  // address add, del
  std::string host;     // repair
};

// Makes values of them. Returns the first mistake, "--option: what", if there is one.
std::optional<std::string> convert(const Arguments& arguments, Command& command);

}  // namespace vtepd::ctl
