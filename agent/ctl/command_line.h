// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/model.h"
#include "ports/control.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::ctl {

// Exit codes, also in --help. `show status` has its own: 0 well, 1 degraded, 2 down.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kTimedOut = 3;   // attach --wait: the attach stands
inline constexpr int kDifferent = 1;  // diff: there are differences
inline constexpr int kTrouble = 2;    // diff: that could not be told

enum class Action {
  NetworkCreate,
  NetworkList,
  NetworkInspect,
  NetworkRemove,
  Attach,
  Detach,
  AddressAdd,
  AddressDelete,
  Diff,
  Repair,
  ShowFdb,
  ShowNeigh,
  ShowVteps,
  ShowEndpoints,
  ShowDrops,
  ShowStatus,
  Version,
};

// What a person asked for.
struct Command {
  Action action = Action::Version;
  std::string instance = "default";
  std::string socket;                 // "": the instance's
  std::string bpffs = "/sys/fs/bpf";  // for `show` without a daemon
  std::string state = "/var/lib/vtepd";
  bool json = false;
  std::string network;  // inspect, rm: which; show: only this one, if not empty
  bool all = false;     // show drops: forwards, too
  bool stale = false;   // show endpoints: those that nobody is behind
  NetworkSpec create;
  AttachRequest attach;
  DetachRequest detach;
  AddressRequest address;
  RepairRequest repair;

  [[nodiscard]] std::string socket_path() const;
};

// A command, or what to print and the exit code (help, or a mistake on stderr).
struct Parsed {
  std::optional<Command> command;
  int exit_code = kOk;
  std::string out;
  std::string err;
};

// `arguments` without the program's name.
Parsed parse_command_line(const std::vector<std::string>& arguments);

}  // namespace vtepd::ctl
