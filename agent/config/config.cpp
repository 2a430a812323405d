// SPDX-License-Identifier: GPL-2.0-only
#include "config/config.h"

#include "base/unique_fd.h"
#include "config/checks.h"
#include "config/gossip_section.h"
#include "config/section.h"
#include "config/store_section.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd {

namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxInterfaceName = 15;  // IFNAMSIZ without the NUL
constexpr std::size_t kMaxInstance = 32;
constexpr std::int64_t kMaxMapEntries = 1 << 24;

Complaint check_instance(const std::string& value) {
  if (is_instance_name(value)) {
    return std::nullopt;
  }
  return "an instance is named with 1 to 32 of a-z, 0-9 and '-'";
}

Complaint check_device(const std::string& value) {
  const bool bad = value.empty() || value.size() > kMaxInterfaceName || value == "." ||
                   value == ".." || value.find_first_of("/: \t\n") != std::string::npos ||
                   value.find('\0') != std::string::npos;
  return bad ? Complaint("that is not the name of an interface") : std::nullopt;
}

void read_underlay(const Value& document, Config::Underlay& underlay, Problems& problems) {
  Section section(document, "underlay", problems);
  std::string address_text;
  section.string("address", address_text, [&](const std::string& value) -> Complaint {
    const auto parsed = IpAddress::parse(value);
    if (!parsed) {
      return "that is not an IP address";
    }
    if (!parsed->is_v4()) {
      return "only an IPv4 underlay is supported";
    }
    if (parsed->is_unspecified() || parsed->is_multicast()) {
      return "it must be a unicast address of this host";
    }
    underlay.address = *parsed;
    return std::nullopt;
  });
  section.string("device", underlay.device, check_device);
  section.integer("port", underlay.port, 1, 65535);
  section.choice("mode", underlay.mode, {"auto", "tc", "xdp"});
  section.finish();
  const bool address = section.has("address");
  const bool device = section.has("device");
  if (address && device) {
    section.complain("device", "underlay.address and underlay.device exclude each other; keep one");
  } else if (!address && !device) {
    section.complain(
        "[underlay] needs 'address' (this host's VTEP address) or 'device' (the "
        "interface that has it)");
  }
}

void read_datapath(const Value& document, Config::Datapath& datapath, Problems& problems) {
  Section section(document, "datapath", problems);
  section.choice("kind", datapath.kind, {"auto", "bpf", "kernel"});
  section.choice("attach", datapath.attach, {"auto", "tcx", "clsact"});
  section.choice("endpoint_device", datapath.endpoint_device, {"veth", "netkit"});
  section.choice("big_tcp", datapath.big_tcp, {"auto", "off"});
  read_path(section, "bpffs", datapath.bpffs);
  section.finish();
  if (datapath.kind == "kernel" && datapath.endpoint_device == "netkit") {
    section.complain("endpoint_device",
                     "datapath.endpoint_device \"netkit\" is for the BPF data path alone; take "
                     "\"veth\", or another datapath.kind than \"kernel\"");
  }
}

void read_limits(const Value& document, Config::Limits& limits, Problems& problems) {
  Section section(document, "limits", problems);
  section.integer("fdb", limits.fdb, 1, kMaxMapEntries);
  section.integer("neigh", limits.neigh, 1, kMaxMapEntries);
  section.integer("ports", limits.ports, 1, kMaxMapEntries);
  section.integer("vnis", limits.vnis, 1, kMaxMapEntries);
  section.integer("peers", limits.peers, 1, kMaxMapEntries);
  section.finish();
}

// The socket's path has a default made of other keys, so its length is checked at the end.
void read_api(const Value& document, Config& config, Problems& problems) {
  Section section(document, "api", problems);
  read_path(section, "socket", config.api.socket);
  section.finish();
  if (config.api.socket.empty()) {
    config.api.socket = config.runtime_dir() + "/api.sock";
  }
  if (config.api.socket.size() >= sizeof(sockaddr_un::sun_path)) {
    section.complain("socket", "api.socket '" + config.api.socket + "' is longer than the " +
                                   std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                   " bytes of a socket's path");
  }
}

void read_document(const Value& document, Config& config, Problems& problems) {
  Section top(document, "", problems);
  top.tables({"underlay", "store", "gossip", "datapath", "limits", "api", "log", "paths"});
  top.string("instance", config.instance, check_instance);
  top.finish();
  read_underlay(document, config.underlay, problems);
  read_store(document, config.store, problems);
  read_gossip(document, config.gossip, problems);
  read_datapath(document, config.datapath, problems);
  read_limits(document, config.limits, problems);
  Section log(document, "log", problems);
  log.choice("level", config.log.level, {"trace", "debug", "info", "warn", "error"});
  log.finish();
  Section paths(document, "paths", problems);
  read_path(paths, "run", config.paths.run);
  read_path(paths, "state", config.paths.state);
  paths.finish();
  read_api(document, config, problems);
  if (config.store.kind == "file" && config.store.path.empty()) {
    config.store.path = config.paths.state + "/store";
  }
}

}  // namespace

bool is_instance_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxInstance &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string default_socket_path(std::string_view instance) {
  Config config;
  config.instance = instance;
  return config.runtime_dir() + "/api.sock";
}

Result<Config> parse_config(std::string_view text, std::string_view file) {
  Problems problems(file);
  Config config;
  const auto document = parse_toml(text);
  if (document) {
    read_document(*document, config, problems);
  } else {
    problems.add(document.error().place, document.error().message);
  }
  if (!problems.empty()) {
    return fail(ErrorKind::Invalid, problems.text());
  }
  return config;
}

Result<Config> load_config(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    return fail_errno(errno, path);
  }

  struct stat status {};

  if (fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, path);
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::Invalid, path + ": is a directory, not a configuration file");
  }
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) {
      return fail_errno(errno, path);
    }
    if (count == 0) {
      return parse_config(text, path);
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxFile) {
      return fail(ErrorKind::Invalid, path + ": is larger than 1 MiB");
    }
  }
}

}  // namespace vtepd
